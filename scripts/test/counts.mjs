import { readFileSync } from "node:fs";

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** Of vitest's JSON report; a file that could not be loaded counts as one failed test. @param {string} file @returns {Counts} */
export function countVitest(file) {
  /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
   *   testResults: { status: string, assertionResults: unknown[] }[] }} */
  const report = JSON.parse(readFileSync(file, "utf8"));
  const unloaded = report.testResults.filter(({ status, assertionResults }) => status === "failed" && assertionResults.length === 0).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded, skipped: report.numPendingTests + report.numTodoTests };
}

/** Of pytest's JUnit report. @param {string} file @returns {Counts} */
export function countPytest(file) {
  const suite = /<testsuite [^>]*>/.exec(readFileSync(file, "utf8"))?.[0] ?? "";
  const number = (/** @type {string} */ name) => {
    const found = new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1];
    if (found === undefined) throw new Error(`${file}: the testsuite has no count "${name}"`);
    return Number(found);
  };
  const failed = number("failures") + number("errors");
  return { passed: number("tests") - failed - number("skipped"), failed, skipped: number("skipped") };
}
