import { loadAddon } from "../../engine/addon.ts";
import { PainnlessError } from "../../errors.ts";
import { ask, type Finding, firstLine } from "./finding.ts";

const packages =
  "Debian and Ubuntu: sudo apt install g++ cmake make; Fedora: sudo dnf install gcc-c++ cmake make; macOS: xcode-select --install, brew install cmake";

/** Node, npm, compiler and CMake, and what they made. The tools are needed only while there is no addon. */
export async function probeBuild(): Promise<Finding[]> {
  const addon = probeAddon();
  const compiler = process.env.CXX || "c++";
  const [program = compiler, ...flags] = compiler.split(" ");
  const [npm, version, cmake, ninja, make] = await Promise.all([
    ask("npm", ["--version"]),
    ask(program, [...flags, "--version"]),
    ask("cmake", ["--version"]),
    ask("ninja", ["--version"]),
    ask("make", ["--version"]),
  ]);
  const built = addon.found !== null;
  const tool = (name: string, found: string | null): Finding => ({
    group: "build",
    name,
    found,
    needed: !built,
    remedy: found === null ? `${built ? "only to build the addon again. " : ""}${packages}` : null,
  });
  return [
    { group: "build", name: "Node.js", found: process.versions.node, needed: true, remedy: null },
    { group: "build", name: "npm", found: npm, needed: false, remedy: npm === null ? "only for the set-up; it comes with Node.js" : null },
    tool("C++ compiler", firstLine(version)),
    tool("CMake", firstLine(cmake)?.replace("cmake version ", "") ?? null),
    tool("ninja or make", ninja === null ? firstLine(make) : `ninja ${ninja}`),
    addon,
  ];
}

function probeAddon(): Finding {
  try {
    const addon = loadAddon();
    const found = `${addon.version}, kernels this processor runs: ${addon.instructionSets().join(", ")}`;
    return { group: "build", name: "native addon", found, needed: true, remedy: null };
  } catch (error) {
    if (!(error instanceof PainnlessError) || error.code !== "MISSING") throw error;
    return { group: "build", name: "native addon", found: null, needed: true, remedy: error.message };
  }
}
