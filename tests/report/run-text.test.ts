import { describe, expect, test } from "vitest";
import { renderDynamicsReport } from "../../src/report/dynamics.ts";
import { framesOf, passingRun } from "./passing-run.ts";
import { passing } from "./results.ts";
import { crystalRun, driftingRun, shortRun, stoppedRun } from "./runs.ts";

const results = {
  passing: passingRun(),
  drifting: driftingRun(),
  short: shortRun(),
  crystal: crystalRun(),
  stopped: stoppedRun("a\u2028\u202e<b>"),
};
type Case = keyof typeof results;
const cases = Object.keys(results) as Case[];
const textOf = (name: Case) =>
  renderDynamicsReport({ result: results[name], frames: framesOf(results[name], 2), crosscheck: name === "passing" ? passing() : null });

describe("the text of a run's page", () => {
  test("the verdict comes first, then the drift with its interval", () => {
    const [, header = ""] = /<header>([\s\S]*?)<\/header>/.exec(textOf("passing")) ?? [];
    expect(header).toMatch(
      /[\s\S]*class="verdict pass">✓ PASS · dynamics<[\s\S]*<h1>Energy is conserved: any drift is below 0\.0064 meV[\s\S]*class="big ">0\.0021 [\s\S]*95 % interval −0\.0022 to 0\.0064/,
    );
    const text = textOf("drifting");
    expect(text).toMatch(/class="verdict fail">✗ FAIL<[\s\S]*<h1>Energy drifts by 41\.7 meV per atom and nanosecond; 0\.033 is allowed/);
    expect(text).not.toContain("✓ PASS");
  });

  test("a run that cannot tell its drift from zero does not claim to conserve energy", () => {
    const page = renderDynamicsReport({ result: shortRun(), frames: null, crosscheck: null });
    expect(/<h1>(.*)<\/h1>/.exec(page)?.[1]).toBe("Whether the energy drifts is undecided: the run is too short.");
    expect(page.includes('id="view"')).toBe(false);
  });

  test("what is undecided is said in title, badges, head and list, with what decides it, and has neither colour nor sign of the others", () => {
    const page = renderDynamicsReport({ result: shortRun(), frames: null, crosscheck: null });
    expect(/<title>(.*)<\/title>/.exec(page)?.[1]).toMatch(/^Pass, drift undecided, attribution undecided: /);
    const [, badges = ""] = /<p class="verdicts">(.*)<\/p>/.exec(page) ?? [];
    expect(badges).toBe(
      '<span class="verdict pass">✓ PASS</span> <span class="verdict undecided">? UNDECIDED · drift</span> <span class="verdict undecided">? UNDECIDED · attribution</span>',
    );
    expect(page).toContain(
      "up to 11000 times as many steps decide; attribution undecided: too small a budget, up to 3.9\u00a0×\u00a010⁵ times",
    );
    expect(page).toContain(
      '<span class="undecided">? <b>Drift.</b></span> Undecided. Its interval reaches beyond the ±0.037 meV/atom/ns allowed.',
    );
    expect(page).not.toMatch(/class="(pass|fail)">. <b>(Drift|Causes)/);
    expect(page).toContain('class="interval undecided"');
  });

  test("a failing crosscheck fails the page that holds it", () => {
    const page = renderDynamicsReport({ result: results.passing, frames: null, crosscheck: { ...passing(), verdict: "fail" } });
    expect(/<title>Fail: /.test(page)).toBe(true);
    expect(/<header>[\s\S]*✓ PASS · dynamics[\s\S]*✗ FAIL · forces[\s\S]*<\/header>/.test(page)).toBe(true);
  });

  test("versions, hash, seeds and the command are there", () => {
    const text = textOf("passing");
    for (const word of ["9f2c5b1e".repeat(8), "20261124 to 20261131", "painnless 0.1.0", "painnless md ethanol.safetensors", "AMD EPYC"])
      expect(text).toContain(word);
  });

  test("nothing loads from elsewhere, no inline handler, no line separator, under 3 MB, with the licences of what draws", () => {
    for (const name of cases) {
      const text = textOf(name);
      expect(text.includes("default-src &#39;none&#39;") && !text.includes("unsafe-")).toBe(true);
      const markup = text.replace(/<script[\s\S]*?<\/script>/g, "").replace(/<style[\s\S]*?<\/style>/g, "");
      expect(markup.match(/ (src|href|on\w+|style)="(?!data:|#)[^"]*/)).toBeNull();
      expect(text.match(/[\u2028\u2029\u202e]/)).toBeNull();
      expect(text).toContain("University of Pittsburgh and contributors");
      expect(Buffer.byteLength(text)).toBeLessThan(3e6);
    }
  });
});
