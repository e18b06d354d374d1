import { chromium, installsChromium } from "./chromium.mjs";
import { nativeAddon } from "./native-addon.mjs";
import { npmPackages } from "./npm-packages.mjs";
import { pythonEnvironment } from "./python-environment.mjs";
import { typescriptBuild } from "./typescript-build.mjs";

/** @typedef {import("./state.mjs").Level} Level */
/** @typedef {{ root: string, level: Level, interrupted: boolean, commands: import("./processes.mjs").Commands }} Work */
/**
 * @typedef {object} Step
 * @property {string} id names its log and its record in .setup/
 * @property {string} name shown
 * @property {string} note what to expect of a first run, or ""
 * @property {boolean} independent needs nothing of the other steps, and runs beside them
 * @property {number} megabytes free space a first run needs
 * @property {boolean} resumes after a failure (not after a kill) the next call goes on from what is there, instead of beginning anew
 * @property {(root: string) => string} fingerprint of all its inputs
 * @property {(level: Level) => string[]} outputs files that exist when it is done
 * @property {(root: string, level: Level) => boolean} adopts is it done already, by other hands
 * @property {() => import("./problem.mjs").Problem[]} missing what the machine lacks for it, found before anything is begun
 * @property {(work: Work) => Promise<void>} run
 */

/** In this order, but for those that are independent: the addon needs headers from npm, the build needs tsc.
 *  @param {string | undefined} namedPython PAINNLESS_PYTHON @param {Level} level */
export const steps = (namedPython, level) => [
  npmPackages,
  nativeAddon,
  typescriptBuild,
  ...(namedPython ? [] : [pythonEnvironment]),
  ...(level === "tests" && installsChromium() ? [chromium] : []),
];
