import { posix } from "node:path";
import { cppIncludes, pythonImports, typescriptImports } from "./read.ts";

/** architecture.md, section 4, as tables: a room, and the rooms it may import. */
const base = ["model", "system", "errors"];
const typescriptRooms: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  system: ["errors"],
  model: ["system", "errors"],
  engine: base,
  wire: base,
  python: base,
  crosscheck: base,
  dynamics: ["engine", ...base],
  report: ["crosscheck", "dynamics", ...base],
  bench: ["crosscheck", "dynamics", "engine", "wire", "python", ...base],
  cli: ["report", "bench", "crosscheck", "dynamics", "engine", "wire", "python", ...base],
  index: ["report", "bench", "crosscheck", "dynamics", "engine", "wire", "python", ...base],
};
const nativeRooms: Readonly<Record<string, readonly string[]>> = {
  engine: [],
  run: [],
  formulas: [],
  neighbors: ["engine"],
  model: ["engine"],
  cpu: ["engine", "neighbors", "model"],
  cuda: ["engine", "run", "formulas", "neighbors", "model"],
  probe: ["cpu", "cuda", "engine", "neighbors", "model"],
  dynamics: ["cpu", "cuda", "engine", "run", "formulas", "neighbors", "model"],
  addon: ["probe", "dynamics", "formulas", "cpu", "cuda", "engine", "neighbors", "model"],
};
/** Rooms within native/cuda, beside kernels/, which all may include; what is not named here may include everything in it. */
const cudaRooms: Readonly<Record<string, readonly string[]>> = {
  card: [],
  network: ["card"],
};
/** Rooms of python/painnless that may import a heavy package; everything else must load without it. */
const heavyPackages: Readonly<Record<string, readonly string[]>> = {
  torch: ["reference", "training", "worker"],
  ase: ["calculator", "training", "worker"],
};
/** Modules whose exports are potentials or start one: only cli/sides.ts turns a side into a potential. */
const builders = ["engine/engine.ts", "engine/cuda.ts", "wire/client.ts", "python/worker.ts"];
const mayBuild = ["cli/sides.ts", "index.ts"];

/** Room of a path below src/, native/ or python/painnless/: its folder, or the file's own name at the top. */
const roomOf = (path: string) => (path.split("/")[0] ?? path).replace(/\.\w+$/, "");
const innerRoomOf = (path: string) => roomOf(path.split("/").slice(1).join("/"));

/** Every import of the files that points against the arrows, as "file:line: why". @param files text by path from the repository's root */
export function violations(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, text]) => {
    const say = (line: number, why: string) => `${path}:${line}: ${why}`;
    if (path.startsWith("src/")) return typescriptViolations(path.slice(4), text, say);
    if (path.startsWith("native/")) return nativeViolations(path.slice(7), text, say);
    if (path.startsWith("python/painnless/")) return pythonViolations(path.slice(17), text, say);
    return [];
  });
}

type Say = (line: number, why: string) => string;

function typescriptViolations(path: string, text: string, say: Say): string[] {
  const room = roomOf(path);
  const allowed = typescriptRooms[room];
  if (allowed === undefined) return [say(1, `src/ has no room "${room}"; add it to tests/imports/arrows.ts with a reason`)];
  return typescriptImports(text).flatMap(({ line, target, typeOnly }) => {
    if (target === null) return [say(line, "imports a computed path, which nobody can check")];
    if (!target.startsWith("."))
      return target === "painnless" || target.startsWith("painnless/") ? [say(line, "imports the package itself by name")] : [];
    const file = posix.normalize(posix.join(posix.dirname(path), target));
    if (file.startsWith("..")) return [say(line, `imports ${target}, which is outside src/`)];
    const other = roomOf(file);
    if (other !== room && !allowed.includes(other)) return [say(line, `${room} may not import ${other} (${target})`)];
    if (!typeOnly && builders.includes(file) && other !== room && !mayBuild.includes(path))
      return [
        say(line, `only ${mayBuild.join(" and ")} may use ${file}, which builds potentials; import its types, or receive a Potential`),
      ];
    return [];
  });
}

function nativeViolations(path: string, text: string, say: Say): string[] {
  const room = roomOf(path);
  const allowed = nativeRooms[room];
  if (allowed === undefined) return [say(1, `native/ has no room "${room}"; add it to tests/imports/arrows.ts with a reason`)];
  return cppIncludes(text).flatMap(({ line, target }) => {
    if (target === null) return [say(line, "includes a macro, which nobody can check")];
    const header = target.replace(/[<>]/g, "");
    if (/^(napi|node_api|js_native_api|uv)\b/.test(header))
      return room === "addon" ? [] : [say(line, `only addon.cpp and addon/ may include ${header}`)];
    if (/^(cuda|nvrtc)\w*\.h$/.test(header)) return [say(line, `${header} would need a CUDA toolkit at build time`)];
    if (target.startsWith("<") && !header.startsWith(".")) return [];
    const file = posix.normalize(posix.join(posix.dirname(path), header));
    if (file.startsWith("..")) return [say(line, `includes ${header}, which is outside native/`)];
    const other = roomOf(file);
    if (other !== room) return allowed.includes(other) ? [] : [say(line, `${room} may not include ${other} (${header})`)];
    const [inner, there] = [innerRoomOf(path), innerRoomOf(file)];
    const reachable = room === "cuda" ? cudaRooms[inner] : undefined;
    if (reachable === undefined || [inner, "kernels", ...reachable].includes(there)) return [];
    return [say(line, `cuda/${inner} may not include cuda/${there} (${header})`)];
  });
}

function pythonViolations(path: string, text: string, say: Say): string[] {
  const room = roomOf(path);
  const module = ["painnless", ...path.replace(/(\/__init__)?\.py$/, "").split("/")].join(".");
  return pythonImports(text, path === "__init__.py" ? "painnless" : module, path.endsWith("__init__.py")).flatMap(({ line, target }) => {
    if (target === null) return ["worker"].includes(room) ? [] : [say(line, "imports a computed name, which nobody can check")];
    const [root = "", inner = ""] = target.split(".");
    const rooms = heavyPackages[root];
    if (rooms !== undefined && !rooms.includes(room)) return [say(line, `only ${rooms.join(", ")} may import ${root}`)];
    // A light room must not bring in torch or ase through a heavy one.
    if (root === "painnless" && ["reference", "training", "worker"].includes(inner) && !["reference", "training", "worker"].includes(room))
      return [say(line, `${room} may not import painnless.${inner}, which loads torch or ase`)];
    return [];
  });
}
