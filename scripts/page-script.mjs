#!/usr/bin/env node
/** Puts the script of the report page, src/report/client/, with the two libraries it draws with, into one file that a page can carry:
 *  dist/report/client.js, and its style sheet beside it. Run by the set-up after tsc, and by tests of the page before they look at it. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (/** @type {string} */ file) => readFileSync(`${root}node_modules/${file}`, "utf8");
// Every page hands the libraries on, and their licences ask to go with them.
const licences = ["3dmol", "uplot"].map(
  (name) => `${name} ${JSON.parse(read(`${name}/package.json`)).version}\n${read(`${name}/LICENSE`)}`,
);

const { outputFiles } = await build({
  entryPoints: [`${root}src/report/client/main.ts`],
  outfile: `${root}dist/report/client.js`,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: `/*!\n${licences.join("\n\n").replaceAll("*/", "* /")}\n*/` },
  alias: { "3dmol": "3dmol/build/3Dmol.es6-min.js" },
  logLevel: "warning",
  write: false,
});
mkdirSync(`${root}dist/report`, { recursive: true });
for (const { path, contents } of outputFiles) {
  // A page that is made meanwhile gets the old file or the new one, never half of it.
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
}
