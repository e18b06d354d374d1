import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderDynamicsReport } from "../../src/report/dynamics.ts";
import { browserPath, launchBrowser, type Visit, visit } from "./browser.ts";
import { framesOf, passingRun } from "./passing-run.ts";
import { passing } from "./results.ts";
import { crystalRun, stoppedRun } from "./runs.ts";

const attack = `</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'">"'\u2028\u202e& `;
const results = { passing: passingRun(), crystal: crystalRun(), stopped: stoppedRun(attack) };
type Case = keyof typeof results;
const cases = Object.keys(results) as Case[];

const folder = mkdtempSync(join(tmpdir(), "painnless-run-"));
const pages = {} as Record<Case | "largest", string>;
const write = (name: Case | "largest", ...[report]: Parameters<typeof renderDynamicsReport>) => {
  pages[name] = join(folder, `${name}.html`);
  writeFileSync(pages[name], renderDynamicsReport(report));
};

beforeAll(() => {
  // The script as it is now, not as the last set-up left it.
  execFileSync(process.execPath, [fileURLToPath(new URL("../../scripts/page-script.mjs", import.meta.url))]);
  for (const name of cases)
    write(name, {
      result: results[name],
      frames: framesOf(results[name], name === "stopped" ? 1 : 60),
      crosscheck: name === "passing" ? passing() : null,
    });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Pixels of a canvas that differ from its first, and a sum over all that tells two pictures apart. */
const inkOf = (page: Page, selector: string) =>
  page.$$eval(selector, (canvases) =>
    canvases.map((canvas) => {
      const source = canvas as unknown as { width: number; height: number; ownerDocument: { createElement(name: "canvas"): never } };
      const copy: { width: number; height: number; getContext(kind: "2d"): never } = source.ownerDocument.createElement("canvas");
      Object.assign(copy, { width: source.width, height: source.height });
      const context: { drawImage(...args: unknown[]): void; getImageData(...args: number[]): { data: Uint8ClampedArray } } =
        copy.getContext("2d");
      context.drawImage(source, 0, 0);
      const pixels = new Uint32Array(context.getImageData(0, 0, source.width, source.height).data.buffer);
      return {
        different: pixels.filter((pixel) => pixel !== pixels[0]).length,
        sum: pixels.reduce((a, b, i) => (a + b * ((i % 8191) + 1)) % 4294967291, 0),
      };
    }),
  );
const readout = (page: Page) => page.textContent("#readout");

describe.skipIf(browserPath === null)(
  browserPath === null ? "a run in a browser (skipped: no Chromium on PATH; PAINNLESS_CHROMIUM names one elsewhere)" : "a run in a browser",
  () => {
    let browser: Browser;
    /** Of the passing run, for the tests that leave it as they found it. */
    let shared: Visit;
    beforeAll(async () => {
      browser = await launchBrowser(browserPath as string);
      shared = await visit(browser, pages.passing, { viewport: { width: 1000, height: 700 } });
    });
    afterAll(() => browser.close());

    const expectDrawn = async ({ page, complaints, requests }: Visit, name: Case) => {
      const plots = await inkOf(page, ".plot canvas");
      expect(plots).toHaveLength(name === "stopped" ? 0 : 3);
      for (const { different } of plots) expect(different).toBeGreaterThan(2000);
      const views = await inkOf(page, "#view canvas");
      expect(views).toHaveLength(1);
      expect(views[0]?.different).toBeGreaterThan(2000);
      for (const still of await page.$$("#view > svg, .still")) expect(await still.isVisible()).toBe(false);
      expect(complaints).toEqual([]);
      expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([`file://${pages[name]}`]);
    };

    test("no complaint, nothing fetched, every plot drawn, the atoms too", () => expectDrawn(shared, "passing"));

    test.each(["crystal", "stopped"] as const)(
      "%s: the same on a phone, in the dark, and it fits; names of a user's stay text",
      async (name) => {
        const phone = await visit(browser, pages[name], { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
        await expectDrawn(phone, name);
        expect(await phone.page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
        expect(await phone.page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(18, 20, 23)");
        if (name === "stopped") {
          expect(await phone.page.title()).toContain("Fail: The run stopped at step 3");
          expect(await phone.page.$$eval("img", (images) => images.length)).toBe(0);
          expect(await phone.page.textContent("main")).toContain('</script><script>document.title="owned"</script>');
        }
        await phone.page.context().close();
      },
    );

    test("keys step and play; the atoms and the mark in the plots move along", async () => {
      const { page, complaints } = shared;
      await page.focus("#scrub");
      await page.keyboard.press("Home");
      const before = await inkOf(page, "#view canvas");
      expect(await readout(page)).toMatch(/^0 ps · .* meV\/atom · \d+ K$/);
      await page.keyboard.press("ArrowRight");
      expect(await readout(page)).toMatch(/^1\.69\d ps/);
      expect((await inkOf(page, "#view canvas"))[0]?.sum).not.toBe(before[0]?.sum);
      await page.keyboard.press("Shift+ArrowRight");
      expect(await page.inputValue("#scrub")).toBe("11");
      await page.keyboard.press("ArrowLeft");
      expect(await page.getAttribute("#scrub", "aria-valuetext")).toMatch(/^16\.9\d ps/);
      const marks = await page.$$eval(".marker", (lines) => lines.map((line) => line.getAttribute("style")));
      expect(marks).toHaveLength(3);
      expect(marks[0]).toMatch(/translateX\(\d+/);
      expect(new Set(marks).size).toBe(1);
      await page.keyboard.press("End");
      expect(await page.inputValue("#scrub")).toBe("59");
      await page.keyboard.press("Space");
      expect(await page.textContent("#play")).toBe("Pause");
      const position = async () => Number(await page.inputValue("#scrub"));
      await expect.poll(position, { timeout: 10_000 }).toBeLessThan(59);
      await expect.poll(position, { timeout: 10_000 }).toBeGreaterThan(2);
      await page.keyboard.press("Space");
      expect(await page.textContent("#play")).toBe("Play");
      const stopped = await page.inputValue("#scrub");
      await page.waitForTimeout(500);
      expect(await page.inputValue("#scrub")).toBe(stopped);
      expect(complaints).toEqual([]);
    });

    test("a click on a plot shows the frame of that time; a drag zooms all plots, and a button undoes it", async () => {
      const { page } = shared;
      const plot = page.locator("#plot-energy .u-over");
      await plot.scrollIntoViewIfNeeded();
      const box = await plot.boundingBox();
      if (box === null) throw new Error("the plot has no box");
      await page.mouse.click(box.x + box.width / 2, box.y + 40);
      expect(Math.abs(Number(await page.inputValue("#scrub")) - 29.5)).toBeLessThan(2);
      expect(await page.evaluate("document.activeElement.id")).toBe("scrub");
      const before = await inkOf(page, "#plot-temperature canvas");
      expect(await page.isVisible("#reset")).toBe(false);
      await page.mouse.move(box.x + 100, box.y + 40);
      await page.mouse.down();
      await page.mouse.move(box.x + 200, box.y + 50, { steps: 4 });
      await page.mouse.up();
      await page.waitForSelector("#reset:visible");
      expect(Math.abs(Number(await page.inputValue("#scrub")) - 29.5)).toBeLessThan(2);
      expect((await inkOf(page, "#plot-temperature canvas"))[0]?.sum).not.toBe(before[0]?.sum);
      await page.click("#reset");
      await page.waitForSelector("#reset", { state: "hidden" });
      expect(await inkOf(page, "#plot-temperature canvas")).toEqual(before);
    });

    test("a screen reader finds landmarks, headings in order, a name for each drawing, a caption for each table; focus goes as one reads", async () => {
      const { page } = shared;
      for (const landmark of ["header", "main", "footer"]) expect(await page.locator(`body > ${landmark}`).count()).toBe(1);
      const levels = await page.$$eval("h1, h2, h3, h4", (heads) => heads.map((head) => Number(head.tagName[1])));
      expect(levels.filter((level) => level === 1)).toHaveLength(1);
      levels.forEach((level, i) => {
        expect(level).toBeLessThanOrEqual((levels[i - 1] ?? 0) + 1);
      });
      const unnamed = (
        nodes: { getAttribute(name: string): string | null; querySelector(selector: string): { textContent: string | null } | null }[],
      ) => nodes.filter((node) => !(node.getAttribute("aria-label") ?? node.querySelector(":scope > title")?.textContent)).length;
      expect(await page.$$eval("[role=img]", unnamed)).toBe(0);
      expect(await page.$$eval("section > .scroll > table", (tables) => tables.filter((table) => !table.caption?.textContent).length)).toBe(
        0,
      );
      await page.focus("#play");
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement.id")).toBe("scrub");
      expect(await page.$$eval("[tabindex]", (nodes) => nodes.filter((node) => Number(node.getAttribute("tabindex")) > 0).length)).toBe(0);
    });

    test.each([
      [0, "md.json"],
      [1, "crosscheck.json"],
    ] as const)("button %i saves the very figures as %s", async (index, file) => {
      const { page } = shared;
      await page.locator("button[data-saves]").nth(index).focus();
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
      expect(download.suggestedFilename()).toBe(file);
      const saved = JSON.parse(await readFile(await download.path(), "utf8"));
      expect(isDeepStrictEqual(saved, JSON.parse(JSON.stringify(file === "md.json" ? results.passing : passing())))).toBe(true);
    });

    test("plots follow when the colours turn dark; paper gets drawings", async () => {
      const { page, complaints } = shared;
      const light = await inkOf(page, ".plot canvas");
      await page.emulateMedia({ colorScheme: "dark" });
      await page.waitForTimeout(200);
      const dark = await inkOf(page, ".plot canvas");
      expect(dark).toHaveLength(3);
      for (const [i, { sum }] of dark.entries()) expect(sum).not.toBe(light[i]?.sum);
      await page.emulateMedia({ media: "print" });
      expect(await page.isVisible(".plot")).toBe(false);
      expect(await page.isVisible("#play")).toBe(false);
      for (const drawing of await page.$$(".still svg, #view > svg")) expect(await drawing.isVisible()).toBe(true);
      await page.emulateMedia({ media: "screen", colorScheme: "light" });
      expect(complaints).toEqual([]);
    });

    test("without JavaScript the verdict, the drawings and the tables are there, and nothing that would not work", async () => {
      const { page } = await visit(browser, pages.passing, { javaScriptEnabled: false });
      expect(await page.isVisible(".verdict")).toBe(true);
      expect(await page.textContent(".big")).toContain("0.0021");
      expect(await page.locator(".still svg").count()).toBe(3);
      for (const selector of [".still svg", "#view > svg", "#causes table"])
        expect(await page.locator(selector).first().isVisible()).toBe(true);
      for (const selector of ["#play", "#scrub", ".plot", "#reset"]) expect(await page.locator(selector).first().isVisible()).toBe(false);
      await page.context().close();
    });

    test("without WebGL the first frame stays as a drawing, and the page says why; the rest works", async () => {
      const blind = await launchBrowser(browserPath as string, ["--disable-3d-apis"]);
      const { page } = await visit(blind, pages.passing);
      expect(await page.isVisible("#view > svg")).toBe(true);
      expect(await page.isVisible("#no-webgl")).toBe(true);
      await page.focus("#scrub");
      await page.keyboard.press("ArrowRight");
      expect(await readout(page)).toMatch(/^1\.69\d ps/);
      await blind.close();
    });

    test("a hundred thousand numbers and the most frames: below 3 MB, and the plots stay fluid", async () => {
      const result = passingRun(2048, 8);
      write("largest", { result, frames: framesOf(result, 1200), crosscheck: null });
      expect((await stat(pages.largest)).size).toBeLessThan(3e6);
      const { page, complaints } = await visit(browser, pages.largest);
      const count = await page.evaluate(
        "JSON.parse(document.getElementById('data').textContent).series.replicas.flatMap((r) => Object.values(r)).flat().length",
      );
      expect(count).toBeGreaterThan(95_000);
      const plot = page.locator("#plot-energy .u-over");
      await plot.scrollIntoViewIfNeeded();
      const box = await plot.boundingBox();
      if (box === null) throw new Error("the plot has no box");
      await page.evaluate("ticks = []; (function tick(t) { ticks.push(t); requestAnimationFrame(tick); })(0)");
      await page.mouse.move(box.x + 10, box.y + 40);
      await page.mouse.down();
      for (let i = 2; i < 20; i++) await page.mouse.move(box.x + 10 * i, box.y + 40);
      await page.mouse.up();
      await page.waitForSelector("#reset:visible");
      await page.waitForTimeout(300);
      const gaps = await page.evaluate<number[]>("ticks.slice(2).map((t, i) => t - ticks[i + 1])");
      expect(gaps.length).toBeGreaterThan(10);
      expect(gaps.toSorted((a, b) => a - b)[gaps.length >> 1]).toBeLessThan(100);
      expect(complaints).toEqual([]);
      await page.context().close();
    });
  },
);
