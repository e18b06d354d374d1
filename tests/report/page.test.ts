import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crosscheckResultSchema } from "../../src/crosscheck/result.ts";
import { renderCrosscheckReport } from "../../src/report/crosscheck.ts";
import { browserPath, launchBrowser, visit } from "./browser.ts";
import { failing, hostile, passing, withFindings } from "./results.ts";

const attack = `</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'">"'\u2028\u202e& `;
const results = { passing: passing(), failing: failing(), withFindings: withFindings(), hostile: hostile(attack) };
type Case = keyof typeof results;
const cases = Object.keys(results) as Case[];

let folder: string;
const pages = {} as Record<Case, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-report-"));
  for (const name of cases) {
    pages[name] = join(folder, `${name}.html`);
    await writeFile(pages[name], renderCrosscheckReport(crosscheckResultSchema.parse(results[name])));
  }
});
afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(browserPath === null)(
  browserPath === null ? "in a browser (skipped: no Chromium on PATH; PAINNLESS_CHROMIUM names one elsewhere)" : "in a browser",
  () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchBrowser(browserPath as string);
    });
    afterAll(() => browser.close());

    test.each(cases)("%s: no complaint, nothing fetched, every plot drawn", async (name) => {
      const { page, complaints, requests } = await visit(browser, pages[name]);
      // Each drawing with the number of its marks that have an extent.
      const drawn = await page.$$eval("figure svg", (drawings) =>
        drawings.map((svg) => ({
          title: svg.querySelector("title")?.textContent ?? "",
          marks: [...svg.querySelectorAll(".dots, .bar, .curve, circle, .cross")].filter(
            (mark) => mark.getAttribute("d") !== "" && mark.getAttribute("height") !== "0",
          ).length,
        })),
      );
      const empty = drawn.filter(({ marks }) => marks === 0).map(({ title }) => title);
      // The hostile result holds no finite force, so its plots of forces have nothing to show; their tables say NaN.
      expect(name === "hostile" ? empty.filter((title) => !title.includes("forces")) : empty).toEqual([]);
      expect(drawn.length).toBeGreaterThan(4);
      expect(complaints).toEqual([]);
      expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([`file://${pages[name]}`]);
      await page.context().close();
    });

    test.each(cases)("%s: fits a phone, in the dark as well", async (name) => {
      const { page, complaints } = await visit(browser, pages[name], { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
      expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(18, 20, 23)");
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    test("names of a user's stay text", async () => {
      const { page } = await visit(browser, pages.hostile);
      expect(await page.title()).toContain("Fail");
      expect(await page.$$eval("img", (images) => images.length)).toBe(0);
      expect(await page.$$eval("script", (scripts) => scripts.length)).toBe(2);
      expect(await page.textContent("main")).toContain('</script><script>document.title="owned"</script>');
      await page.context().close();
    });

    test("a screen reader finds a name for every drawing and a caption for every table outside one", async () => {
      const { page } = await visit(browser, pages.failing);
      expect(
        await page.$$eval(
          "svg[role=img]",
          (drawings) => drawings.filter((svg) => !svg.querySelector(":scope > title")?.textContent).length,
        ),
      ).toBe(0);
      expect(
        await page.$$eval("section > div.scroll > table", (tables) => tables.filter((table) => !table.caption?.textContent).length),
      ).toBe(0);
      expect(await page.$$eval("h1", (heads) => heads.length)).toBe(1);
      await page.context().close();
    });

    test.each(["passing", "hostile"] as const)("%s: the keyboard reaches the button, which saves the very figures", async (name) => {
      const { page, complaints } = await visit(browser, pages[name]);
      await page.focus("button[data-saves=data]");
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
      expect(download.suggestedFilename()).toBe("crosscheck.json");
      expect(crosscheckResultSchema.parse(JSON.parse(await readFile(await download.path(), "utf8")))).toEqual(results[name]);
      expect(complaints).toEqual([]);
      await page.context().close();
    });
  },
);

describe("the text of the page", () => {
  const textOf = (name: Case) => readFile(pages[name], "utf8");

  test("a failing verdict is shown as one, first", async () => {
    const text = await textOf("failing");
    expect(text).toMatch(/<header>[\s\S]*class="verdict fail">✗ FAIL<[\s\S]*<h1>The forces disagree: native:cpu:f64 is 0\.\d+ eV\/Å away/);
    expect(text).not.toContain("✓ PASS");
    expect(text).toContain("broken by the engine alone");
  });

  test("a passing verdict is a sentence", async () => {
    expect(await textOf("passing")).toContain("<h1>The forces agree with PyTorch autograd in float64.</h1>");
  });

  test("each comparison names what it was made against; only those with the reference are drawn", async () => {
    const text = await textOf("passing");
    expect(text.match(/against native:cpu:f64/g)).toHaveLength(1);
    expect(text.match(/<h3>[^/]*native:cpu:f32/g)).toHaveLength(2);
  });

  test("the error budget tells what is judged from what is measured", async () => {
    const [, table = ""] = /aria-label="Error budget">(.*?)<\/table>/s.exec(await textOf("passing")) ?? [];
    const rows = table.split("<tr>").map((row) => row.replace(/<[^>]*>/g, " "));
    expect(rows.find((row) => row.includes("float32"))).toContain("equal, but for rounding");
    expect(rows.find((row) => row.includes("the model itself"))).toMatch(/GFN2-xTB.*an error.*0\.036/s);
  });

  test("what the model breaks is said to be the model's", async () => {
    const text = await textOf("withFindings");
    expect(text).toContain("✓ PASS");
    expect(text).toContain("broken by the model itself");
    expect(text).toContain("no engine can mend that");
  });

  test("a value that is not finite is shown, not left out", async () => {
    const text = await textOf("hostile");
    expect(text).toMatch(/<td class="fail">NaN<\/td>/);
    expect(text).toContain("missing or NaN");
  });

  test("nothing loads from elsewhere, no inline handler, no line separator, under 3 MB", async () => {
    for (const name of cases) {
      const text = await textOf(name);
      expect(text.includes("default-src &#39;none&#39;") && !text.includes("unsafe-inline")).toBe(true);
      const markup = text.replace(/<script type="application\/json"[\s\S]*?<\/script>/, "");
      expect(markup.match(/ (src|href|on\w+)="(?!data:)[^"]*/)).toBeNull();
      expect(text.match(/[\u2028\u2029\u202e]/)).toBeNull();
      expect((await stat(pages[name])).size).toBeLessThan(3e6);
    }
  });
});
