import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Problem } from "./problem.mjs";
import { ask, onPath } from "./processes.mjs";
import { fingerprint } from "./state.mjs";

/** @typedef {import("./steps.mjs").Step} Step */

const headerPackages = ["node-addon-api", "node-api-headers"];
const tools =
  "Debian and Ubuntu: sudo apt install g++ cmake make; Fedora: sudo dnf install gcc-c++ cmake make; macOS: xcode-select --install and brew install cmake";

/** @type {Step} */
export const nativeAddon = {
  id: "native",
  name: "native addon",
  note: "C++, a minute or two",
  independent: false,
  megabytes: 300,
  resumes: true,
  fingerprint: (root) =>
    fingerprint(
      root,
      ["native"],
      [
        root,
        process.platform,
        process.arch,
        compiler() ?? "",
        version(root, "."),
        ...headerPackages.map((name) => version(root, `node_modules/${name}`)),
      ],
    ),
  outputs: (level) => ["build/native/painnless.node", ...(level === "tests" ? ["build/native/painnless_faulty.node"] : [])],
  adopts: () => false,
  missing: () => [...missingCompiler(), ...missingBuilder()],
  async run({ root, level, interrupted, commands }) {
    const folder = join(root, "build/native");
    const generator = onPath("ninja") === null ? "Unix Makefiles" : "Ninja";
    if (interrupted || !continues(folder, join(root, "native"), generator)) rmSync(folder, { recursive: true, force: true });
    const configure = ["-S", join(root, "native"), "-B", folder, "-G", generator, "-DCMAKE_BUILD_TYPE=Release"];
    await commands.run("native", "cmake", configure, { cwd: root, fresh: true });
    const targets = level === "tests" ? ["painnless", "painnless_faulty"] : ["painnless"];
    const jobs = process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? String(availableParallelism());
    await commands.run("native", "cmake", ["--build", folder, "--target", ...targets, "--parallel", jobs], { cwd: root });
  },
};

/** Can CMake go on in this build folder? Not when the clone was moved, or with another generator. @param {string} folder @param {string} source @param {string} generator */
function continues(folder, source, generator) {
  const file = join(folder, "CMakeCache.txt");
  if (!existsSync(file)) return false;
  const cache = readFileSync(file, "utf8").split("\n");
  return cache.includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${source}`) && cache.includes(`CMAKE_GENERATOR:INTERNAL=${generator}`);
}

/** @param {string} root @param {string} folder of a package */
function version(root, folder) {
  const file = join(root, folder, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).version : "absent";
}

/** The compiler CMake will take: $CXX, else the first of its own list. */
function compiler() {
  const chosen = process.env.CXX;
  if (chosen) return chosen;
  for (const name of ["c++", "g++", "clang++"]) if (onPath(name) !== null) return name;
  return null;
}

/** Compiles a line that only C++20 knows, with the library headers the engine needs. */
function missingCompiler() {
  const command = compiler();
  if (command === null) return [new Problem("no C++ compiler: neither $CXX nor c++, g++ or clang++ on PATH", tools)];
  const [program = command, ...flags] = command.split(" ");
  const input =
    "#include <concepts>\n#include <span>\n#include <numbers>\ntemplate <std::floating_point T> T two(std::span<T> x) { return x[0] * std::numbers::pi_v<T>; }\n";
  const { status, stderr } = spawnSync(program, [...flags, "-std=c++20", "-fsyntax-only", "-x", "c++", "-"], {
    input,
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status === 0) return [];
  const words = ask(program, ["--version"])?.split("\n")[0];
  if (words === undefined)
    return [
      new Problem(
        `the C++ compiler "${command}" does not run`,
        `${process.env.CXX ? "unset CXX or let it name a working compiler. " : ""}${tools}`,
      ),
    ];
  return [
    new Problem(
      `the C++ compiler cannot compile C++20: ${words}: ${stderr.split("\n").find((line) => line.includes("error")) ?? "no reason given"}`,
      `GCC 11 or Clang 14 is the least; name a newer one with CXX=g++-12. ${tools}`,
    ),
  ];
}

function missingBuilder() {
  if (onPath("cmake") === null) return [new Problem("cmake is not on PATH", `${tools}; or python3 -m pip install cmake`)];
  if (ask("cmake", ["--version"]) === null) return [new Problem("cmake is on PATH but does not run", tools)];
  if (onPath("ninja") === null && onPath("make") === null) return [new Problem("neither ninja nor make is on PATH", tools)];
  return [];
}
