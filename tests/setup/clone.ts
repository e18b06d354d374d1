import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Stand-ins for the tools the set-up calls: each makes what the real one would, and notes in `calls` that it ran. */
const tools: Readonly<Record<string, string>> = {
  npm: `mkdir -p node_modules/typescript/bin && printf 'import { mkdirSync, writeFileSync } from "node:fs"; mkdirSync("dist/cli", { recursive: true }); writeFileSync("dist/cli/main.js", "");' > node_modules/typescript/bin/tsc
printf '{"type":"module"}' > node_modules/typescript/package.json
for name in esbuild 3dmol uplot; do mkdir -p node_modules/$name && printf '{"version":"1.0.0","type":"module","main":"main.js"}' > node_modules/$name/package.json && : > node_modules/$name/LICENSE; done
printf 'export const build = ({ outfile }) => ({ outputFiles: [{ path: outfile, contents: "" }] });' > node_modules/esbuild/main.js
printf '{"packages":{}}' > node_modules/.package-lock.json`,
  "c++": "exit 0",
  make: "exit 0",
  cmake: 'case "$1" in --build) mkdir -p build/native && : > build/native/painnless.node && : > build/native/painnless_faulty.node;; esac',
  python3: "exit 0",
  uv: `case "$1" in venv) mkdir -p .venv/bin && : > .venv/pyvenv.cfg && printf '#!/bin/sh\\necho "{}"\\n' > .venv/bin/python && chmod +x .venv/bin/python;; esac`,
};

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** A clone with the real scripts and pretended tools, in a folder of its own. */
export class FakeClone {
  readonly root = mkdtempSync(join(tmpdir(), "painnless-setup-"));
  readonly bin = join(this.root, "bin");

  constructor() {
    cpSync(join(repository, "scripts"), join(this.root, "scripts"), { recursive: true });
    for (const file of ["python/pyproject.toml", "python/constraints.txt", "tsconfig.json"])
      this.write(file, readFileSync(join(repository, file), "utf8"));
    this.write("package.json", '{"version":"0.1.0","dependencies":{},"devDependencies":{}}');
    this.write("package-lock.json", '{"packages":{"":{}}}');
    this.write("src/index.ts", "");
    this.write("native/CMakeLists.txt", "");
    for (const [name, body] of Object.entries(tools)) this.tool(name, body);
    // What the stand-ins themselves need; nothing else of this machine is on the clone's PATH.
    for (const name of ["mkdir", "chmod", "sleep"])
      symlinkSync(["/bin", "/usr/bin"].map((folder) => join(folder, name)).find(existsSync) ?? name, join(this.bin, name));
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  /** Puts a tool on the PATH of this clone. */
  tool(name: string, body: string): void {
    this.write(`bin/${name}`, `#!/bin/sh\necho "${name} $1" >> "${this.root}/calls"\n${body}\n`);
    chmodSync(join(this.bin, name), 0o755);
  }

  removeTool(name: string): void {
    rmSync(join(this.bin, name));
  }

  start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): { child: ChildProcess; ended: Promise<Outcome> } {
    const started = performance.now();
    const child = spawn(process.execPath, ["scripts/setup.mjs", ...args], {
      cwd: this.root,
      env: { PATH: this.bin, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += String(data)));
    const ended = new Promise<Outcome>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve({ status, output, seconds: (performance.now() - started) / 1000 }));
    });
    return { child, ended };
  }

  run(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return this.start(args, env).ended;
  }

  /** How often a tool was called with this first argument. */
  calls(line: string): number {
    return this.read("calls")
      .split("\n")
      .filter((call) => call === line).length;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
