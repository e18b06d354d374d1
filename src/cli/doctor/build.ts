import { existsSync } from "node:fs";
import { join } from "node:path";
import { ask, type Finding, firstLine } from "./finding.ts";

const packages =
  "Debian and Ubuntu: sudo apt install g++ cmake make; Fedora: sudo dnf install gcc-c++ cmake make; macOS: xcode-select --install, brew install cmake";

/** Node, npm, compiler and CMake, and what they made. The tools are needed only while the addon is not built. */
export async function probeBuild(root: string): Promise<Finding[]> {
  const addon = existsSync(join(root, "build/native/painnless.node"));
  const compiler = process.env.CXX ?? "c++";
  const [program = compiler, ...flags] = compiler.split(" ");
  const [npm, version, cmake, ninja, make] = await Promise.all([
    ask("npm", ["--version"]),
    ask(program, [...flags, "--version"]),
    ask("cmake", ["--version"]),
    ask("ninja", ["--version"]),
    ask("make", ["--version"]),
  ]);
  const tool = (name: string, found: string | null): Finding => ({
    group: "build",
    name,
    found,
    needed: !addon,
    remedy: found === null ? `${addon ? "only to build the addon again. " : ""}${packages}` : null,
  });
  const builder = ninja === null ? firstLine(make) : `ninja ${ninja}`;
  return [
    { group: "build", name: "Node.js", found: process.versions.node, needed: true, remedy: null },
    {
      group: "build",
      name: "npm",
      found: npm,
      needed: false,
      remedy: npm === null ? "needed by the set-up only; it comes with Node.js" : null,
    },
    tool("C++ compiler", firstLine(version)),
    tool("CMake", firstLine(cmake)?.replace("cmake version ", "") ?? null),
    tool("ninja or make", builder),
    {
      group: "build",
      name: "native addon",
      found: addon ? "built" : null,
      needed: true,
      remedy: addon ? null : "npm run setup",
    },
  ];
}
