import { existsSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { diagnose } from "../scripts/setup/problem.mjs";
import { processStart } from "../scripts/setup/processes.mjs";
import { fingerprint } from "../scripts/setup/state.mjs";
import { FakeClone } from "./setup/clone.ts";

let clone: FakeClone;
beforeEach(() => {
  clone = new FakeClone();
});
afterEach(() => clone.remove());

const until = async (condition: () => boolean) => {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 200) throw new Error("waited 10 s in vain");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
const begun = (step: string) => existsSync(join(clone.root, ".setup", `${step}.begun`));
/** A stand-in that runs until it is stopped, and leaves its process number. */
const endless = (name: string) => `echo $$ > "${clone.root}/${name}.pid"\nsleep 30`;
const pidOf = (name: string) => Number(clone.read(`${name}.pid`));

describe("set-up of a clone", () => {
  test("does every step once, and nothing the second time, in under a second", async () => {
    const first = await clone.run();
    expect(first.output).toMatch(/npm packages .*done[\s\S]*native addon .*done[\s\S]*TypeScript build .*done/);
    expect(first.output).toMatch(/Python environment .*done/);
    expect(first.status).toBe(0);
    const before = clone.read("calls");
    const second = await clone.run();
    expect(second).toMatchObject({ status: 0, output: "" });
    expect(second.seconds).toBeLessThan(1);
    expect(clone.read("calls")).toBe(before);
  });

  test("what tests need is added to what is there, and serves npm start from then on", async () => {
    await clone.run();
    expect((await clone.run(["--tests"])).status).toBe(0);
    expect(clone.calls("uv pip")).toBe(2);
    expect(await clone.run()).toMatchObject({ status: 0, output: "" });
  });

  test.runIf(process.getuid?.() === 0)(
    "continuous integration gets Chromium, once, and only for tests; a machine that has one keeps it",
    async () => {
      clone.tool(
        "apt-get",
        `if [ "$1" = install ]; then mkdir -p "${clone.root}/bin" && printf "#!/bin/sh\\n" > "${clone.root}/bin/chromium" && chmod +x "${clone.root}/bin/chromium"; fi`,
      );
      await clone.run([], { CI: "true" });
      await clone.run(["--tests"]);
      expect(clone.calls("apt-get install")).toBe(0);
      expect((await clone.run(["--tests"], { CI: "true" })).output).toMatch(/Chromium .*done/);
      expect((await clone.run(["--tests"], { CI: "true" })).output).toContain("Chromium: already there");
      expect(await clone.run(["--tests"], { CI: "true" })).toMatchObject({ status: 0, output: "" });
      expect(clone.calls("apt-get install")).toBe(1);
      clone.removeTool("chromium");
      expect((await clone.run(["--tests"], { CI: "true" })).output).toMatch(/Chromium .*done/);
      expect(clone.calls("apt-get install")).toBe(2);
    },
  );

  test.each([
    ["native/CMakeLists.txt", "native addon"],
    ["src/index.ts", "TypeScript build"],
    ["python/constraints.txt", "Python environment"],
    ["package-lock.json", "npm packages"],
  ])("a change of %s renews: %s", async (file, step) => {
    await clone.run();
    clone.write(file, file.endsWith(".json") ? '{"packages":{"":{"name":"changed"}}}' : "# changed\n");
    const { status, output } = await clone.run();
    expect(status).toBe(0);
    expect(output).toContain(step);
  });

  test("takes node_modules that the user's own npm made", async () => {
    clone.write(
      "package-lock.json",
      '{"packages":{"":{},"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"version":"2.0.0","dev":true}}}',
    );
    clone.write("node_modules/.package-lock.json", '{"packages":{"node_modules/a":{"version":"1.0.0"}}}');
    clone.write("node_modules/a/package.json", "{}");
    clone.write(
      "node_modules/typescript/bin/tsc",
      'require("node:fs").mkdirSync("dist/cli", { recursive: true }); require("node:fs").writeFileSync("dist/cli/main.js", "")',
    );
    expect((await clone.run()).output).toContain("npm packages: already there");
    expect(clone.calls("npm install")).toBe(0);
  });

  test("an npm that installs other versions than those of the lock file is caught", async () => {
    clone.write("package-lock.json", '{"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}');
    const { status, output } = await clone.run();
    expect(status).toBe(3);
    expect(output).toContain("npm did not install the versions of package-lock.json");
  });
});

describe("what is missing is said with its remedy, all at once, before anything is begun", () => {
  test.each([
    [["c++"], "no C++ compiler", "apt install g++"],
    [["cmake"], "cmake is not on PATH", "apt install g++ cmake"],
    [["make"], "neither ninja nor make", "make"],
    [["npm"], "npm is not on PATH", "Node.js"],
    [["python3", "uv"], "no Python 3.10 or newer", "PAINNLESS_PYTHON="],
    [["c++", "cmake", "python3", "uv"], "no C++ compiler", "apt install"],
  ])("without %j", async (names, found, remedy) => {
    for (const name of names) clone.removeTool(name);
    const { status, output } = await clone.run();
    expect(status).toBe(3);
    expect(output).toContain(found);
    expect(output).toContain(remedy);
    expect(output.match(/remedy:/g)).toHaveLength(names.includes("uv") ? names.length - 1 : names.length);
    expect(existsSync(join(clone.root, "node_modules"))).toBe(false);
  });

  test("a compiler that does not know C++20", async () => {
    clone.tool("c++", 'case "$1" in --version) echo "c++ 4.9";; *) echo "error: concepts" >&2; exit 1;; esac');
    const { status, output } = await clone.run();
    expect(status).toBe(3);
    expect(output).toMatch(/cannot compile C\+\+20: c\+\+ 4\.9: error: concepts[\s\S]*GCC 11 or Clang 14/);
  });

  test("a Python without venv, where uv is absent too", async () => {
    clone.removeTool("uv");
    clone.tool("python3", 'case "$2" in *ensurepip*) exit 1;; esac');
    expect((await clone.run()).output).toMatch(/lacks venv or ensurepip[\s\S]*python3-venv/);
  });

  test.each([
    ["/nowhere/python", "", "does not run as a Python interpreter"],
    ["old", '{"version":[3,8,1],"packages":[]}', "3.10 is the least"],
    ["bare", '{"version":[3,12,0],"packages":[{"requirement":"torch>=2.2","found":null,"ok":false}]}', 'pip install "torch>=2.2"'],
  ])("PAINNLESS_PYTHON=%s", async (name, answer, expected) => {
    clone.tool(name.replace("/nowhere/", "other"), `echo '${answer}'`);
    const python = name.startsWith("/") ? name : join(clone.bin, name);
    const { status, output } = await clone.run([], { PAINNLESS_PYTHON: python });
    expect(status).toBe(3);
    expect(output).toContain(expected);
    expect(existsSync(join(clone.root, ".venv"))).toBe(false);
  });

  test("a PAINNLESS_PYTHON that has everything is used, and no environment is made", async () => {
    clone.tool("mine", `echo '{"version":[3,12,0],"packages":[]}'`);
    expect((await clone.run([], { PAINNLESS_PYTHON: join(clone.bin, "mine") })).status).toBe(0);
    expect(existsSync(join(clone.root, ".venv"))).toBe(false);
  });

  test("too little free space for a first run", async () => {
    const file = "scripts/setup/python-environment.mjs";
    clone.write(file, clone.read(file).replace(/megabytes: \d+/, "megabytes: 1e12"));
    const { status, output } = await clone.run();
    expect(status).toBe(3);
    expect(output).toMatch(/MB free in .*MB needed[\s\S]*remedy: free some space/);
  });

  test("an unknown option is bad usage", async () => {
    expect(await clone.run(["--test"])).toMatchObject({ status: 2, output: expect.stringContaining("--tests") });
  });
});

describe("interrupted, killed, or twice at once", () => {
  test("SIGTERM stops the step that runs, and the next call makes it anew", async () => {
    const npm = clone.read("bin/npm");
    clone.tool("npm", endless("npm"));
    const { child, ended } = clone.start();
    await until(() => existsSync(join(clone.root, "npm.pid")));
    child.kill("SIGTERM");
    expect((await ended).status).toBe(130);
    await until(() => processStart(pidOf("npm")) === null);
    expect(begun("npm")).toBe(true);
    clone.write("node_modules/half/made", "");
    clone.write("bin/npm", npm);
    const again = await clone.run();
    expect(again.output).toMatch(/npm packages .*made anew/);
    expect(again.status).toBe(0);
    expect(existsSync(join(clone.root, "node_modules/half"))).toBe(false);
  });

  test("SIGINT while it waits for another one leaves no trace", async () => {
    clone.tool("npm", endless("npm"));
    const first = clone.start();
    await until(() => existsSync(join(clone.root, "npm.pid")));
    const second = clone.start();
    await until(() => readdirSync(join(clone.root, ".setup")).some((name) => name === `lock.${second.child.pid}`));
    second.child.kill("SIGINT");
    expect((await second.ended).status).toBe(130);
    expect(readdirSync(join(clone.root, ".setup"))).not.toContain(`lock.${second.child.pid}`);
    first.child.kill("SIGINT");
    expect((await first.ended).status).toBe(130);
  });

  test("what a killed set-up left running is stopped before its folders are used again", async () => {
    const npm = clone.read("bin/npm");
    clone.tool("npm", endless("npm"));
    const { child, ended } = clone.start();
    await until(() => ["npm.pid", ".setup/npm.child.json"].every((name) => existsSync(join(clone.root, name))));
    child.kill("SIGKILL");
    await ended;
    expect(processStart(pidOf("npm"))).not.toBeNull();
    clone.write("bin/npm", npm);
    expect((await clone.run()).status).toBe(0);
    expect(processStart(pidOf("npm"))).toBeNull();
    expect(readdirSync(join(clone.root, ".setup")).filter((name) => /lock|begun|child/.test(name))).toEqual([]);
  });

  test("packages and the Python environment come at the same time; a killed set-up may leave both running, and both are stopped", async () => {
    const before = { npm: clone.read("bin/npm"), uv: clone.read("bin/uv") };
    clone.tool("npm", endless("npm"));
    clone.tool("uv", `case "$1" in --version) ;; *) ${endless("uv")};; esac`);
    const { child, ended } = clone.start();
    await until(() =>
      ["npm.pid", "uv.pid", ".setup/npm.child.json", ".setup/python.child.json"].every((name) => existsSync(join(clone.root, name))),
    );
    child.kill("SIGKILL");
    await ended;
    clone.write("bin/npm", before.npm);
    clone.write("bin/uv", before.uv);
    const again = await clone.run();
    expect(again).toMatchObject({ status: 0, output: expect.stringMatching(/npm packages .*made anew/) });
    expect(again.output).toMatch(/Python environment .*made anew/);
    expect([processStart(pidOf("npm")), processStart(pidOf("uv"))]).toEqual([null, null]);
    expect(readdirSync(join(clone.root, ".setup")).filter((name) => /lock|begun|child/.test(name))).toEqual([]);
  });

  test("of several at once one works and the others wait, also when a dead one left its lock", async () => {
    clone.write(".setup/lock", JSON.stringify({ pid: 4_000_000, start: "1" }));
    clone.tool("uv", `${clone.read("bin/uv").split("\n").slice(2).join("\n")}\nsleep 0.3`);
    const outcomes = await Promise.all([clone.run(), clone.run(), clone.run(), clone.run()]);
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(clone.calls("npm install")).toBe(1);
    expect(clone.calls("uv pip")).toBe(1);
    expect(outcomes.filter(({ output }) => output.includes("waiting for another set-up"))).toHaveLength(3);
  });
});

describe("a tool that fails", () => {
  test.each([
    ["npm error code ENOTFOUND", /registry did not answer/, /PAINNLESS_PYTHON/],
    ["npm error code ENOSPC", /disk is full/, /free some space/],
    ["error: Permission denied (os error 13)", /cannot be written/, /chown/],
    ["No solution found\n  cause: Failed to fetch\n  cause: tcp connect error", /registry did not answer/, /PAINNLESS_PYTHON/],
    ["  x No solution found when resolving dependencies", /no version for this machine/, /another Python/],
    ["CMake 3.20 or higher is required. You are running version 3.10", /CMake is too old/, /pip install cmake/],
    ["c++: fatal error: Killed signal terminated program cc1plus", /out of memory/, /CMAKE_BUILD_PARALLEL_LEVEL=1/],
    ["something else", /does not know/, /log/],
  ])("%s", (output, found, remedy) => {
    const problem = diagnose("step", output);
    expect(problem.message).toMatch(found);
    expect(problem.remedy).toMatch(remedy);
  });

  test("the end of its output is shown, and the next call goes on", async () => {
    const uv = clone.read("bin/uv");
    clone.tool("uv", 'case "$1" in --version) ;; *) echo "error: Failed to fetch a package" >&2; exit 2;; esac');
    const { status, output } = await clone.run();
    expect(status).toBe(3);
    expect(output).toMatch(
      /Python environment .*failed[\s\S]*python: a package registry did not answer[\s\S]*remedy:[\s\S]*error: Failed to fetch a package/,
    );
    clone.write("bin/uv", uv);
    expect((await clone.run()).status).toBe(0);
    expect(clone.calls("npm install")).toBe(1);
  });
});

test("where one step fails what runs beside it goes on to its end; what two say is said of both", async () => {
  const [uv, npm] = [clone.read("bin/uv"), clone.read("bin/npm")];
  clone.tool("npm", 'echo "npm error code ENOSPC" >&2; exit 1');
  const { status, output } = await clone.run();
  expect(status).toBe(3);
  expect(output).toMatch(/npm packages .*failed/);
  expect(output).toMatch(/Python environment .*done/);
  expect(output).toMatch(/disk is full/);
  clone.tool("uv", 'case "$1" in --version) ;; *) echo "error: Failed to fetch a package" >&2; exit 2;; esac');
  clone.write("python/constraints.txt", "# changed\n");
  const both = await clone.run();
  expect(both.status).toBe(3);
  expect(both.output.match(/remedy:/g)).toHaveLength(2);
  clone.write("bin/uv", uv);
  clone.write("bin/npm", npm);
  expect((await clone.run()).status).toBe(0);
});

test("a fingerprint follows contents and names, not times", () => {
  const print = () => fingerprint(clone.root, ["src", "absent"]);
  const before = print();
  utimesSync(join(clone.root, "src/index.ts"), 1, 1);
  expect(print()).toBe(before);
  clone.write("src/other.ts", "");
  const renamed = print();
  expect(renamed).not.toBe(before);
  clone.write("src/other.ts", "x");
  expect(new Set([before, renamed, print(), fingerprint(clone.root, ["src"], ["word"])]).size).toBe(4);
});
