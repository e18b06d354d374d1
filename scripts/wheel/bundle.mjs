import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** Starts an interpreter out of its own folder, so it stays a package. */
export const external = ["pythonia"];

/** One folder of JavaScript out of src/cli/main.ts and the packages it uses: dist/cli/ in `engine`, where `../..` leads to what it needs, as
 *  in the clone. ZeroMQ's compiled half is taken from build/zeromq.node.
 *  @param {string} root of the clone @param {string} engine
 *  @returns {Promise<string[]>} names of the packages inside */
export async function bundleProgram(root, engine) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["src/cli/main.ts"],
    outdir: join(engine, "dist/cli"),
    bundle: true,
    splitting: true,
    minifySyntax: true,
    platform: "node",
    format: "esm",
    target: "node20.11",
    charset: "utf8",
    legalComments: "none", // licences go whole, in a file of their own
    external: [...external, "*.node"],
    banner: { js: 'import { createRequire as painnlessRequire } from "node:module"; const require = painnlessRequire(import.meta.url);' },
    plugins: [
      { name: "zeromq", setup: (bundler) => bundler.onLoad({ filter: /zeromq\/lib\/load-addon\.js$/ }, () => ({ contents: loader })) },
    ],
    metafile: true,
    logLevel: "warning",
  });
  const packages = Object.keys(metafile.inputs).flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  return [...new Set(packages)].sort();
}

const loader = 'module.exports = require("../../build/zeromq.node");';

/** The package and all it needs, by name. @param {string} root @param {string} name @returns {string[]} */
export function withDependencies(root, name) {
  const manifest = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"));
  const peers = Object.keys(manifest.peerDependencies ?? {}).filter((peer) => !manifest.peerDependenciesMeta?.[peer]?.optional);
  const needed = [...Object.keys(manifest.dependencies ?? {}), ...peers];
  return [...new Set([name, ...needed.flatMap((other) => withDependencies(root, other))])].sort();
}

/** The licences of the packages, one after the other. @param {string} root @param {readonly string[]} packages */
export function licences(root, packages) {
  return packages.map((name) => {
    const folder = join(root, "node_modules", name);
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      .map((file) => readFileSync(join(folder, file), "utf8"));
    return [`${name} ${manifest.version} (${manifest.license})`, ...texts].join("\n\n");
  });
}
