import { existsSync } from "node:fs";
import { onPath } from "./processes.mjs";

/** @typedef {import("./steps.mjs").Step} Step */

/** A Chromium for the tests of pages: the one PAINNLESS_CHROMIUM names, else one on PATH, else null. */
export function chromiumPath() {
  const named = process.env.PAINNLESS_CHROMIUM;
  if (named) return existsSync(named) ? named : null;
  return ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].map(onPath).find((path) => path !== null) ?? null;
}

/** Where continuous integration runs as root on Debian or its kin, Chromium is installed for it. A person's own machine is left as it is: there
 *  the tests of pages are skipped, and say so. */
export const installsChromium = () => Boolean(process.env.CI) && process.getuid?.() === 0 && onPath("apt-get") !== null;

/** @type {Step} */
export const chromium = {
  id: "chromium",
  name: "Chromium",
  note: "Debian's, for the tests of pages",
  independent: true,
  megabytes: 700,
  resumes: true,
  fingerprint: () => chromiumPath() ?? "",
  outputs: () => [],
  adopts: () => chromiumPath() !== null,
  missing: () => [],
  async run({ root, commands }) {
    const apt = (/** @type {string[]} */ args, fresh = false) =>
      commands.run("chromium", "apt-get", args, { cwd: root, env: { DEBIAN_FRONTEND: "noninteractive" }, fresh });
    await apt(["update"], true);
    await apt(["install", "--yes", "--no-install-recommends", "chromium"]);
  },
};
