import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Problem } from "./problem.mjs";
import { ask, onPath } from "./processes.mjs";
import { constraints, extras, probe, requirements } from "./python-requirements.mjs";
import { fingerprint } from "./state.mjs";

/** @typedef {import("./steps.mjs").Step} Step */
/** @typedef {import("./steps.mjs").Work} Work */
/** @typedef {import("./state.mjs").Level} Level */

const getPython =
  "install Python 3.10 or newer (Debian and Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python; anywhere with uv: uv python install 3.12), " +
  "or name one: PAINNLESS_PYTHON=/path/to/python";

/** The `.venv` of the clone. @type {Step} */
export const pythonEnvironment = {
  id: "python",
  name: "Python environment",
  note: "PyTorch, ASE: up to 3 GB to fetch the first time",
  independent: true,
  megabytes: 7000,
  resumes: false,
  fingerprint: (root) =>
    fingerprint(root, ["python/constraints.txt"], [root, process.platform, process.arch, ...requirements(root, "tests")]),
  outputs: () => [".venv/bin/python"],
  adopts: serves,
  missing() {
    const python = basePython();
    if (python === null)
      return [new Problem("no Python 3.10 or newer: looked for python3, python3.10 to python3.14 and python on PATH", getPython)];
    if (uvOnPath() === null && ask(python, ["-c", "import venv, ensurepip"]) === null)
      return [
        new Problem(
          `${python} lacks venv or ensurepip, and uv is not on PATH`,
          "Debian and Ubuntu: sudo apt install python3-venv; or install uv: pipx install uv",
        ),
      ];
    return [];
  },
  async run(work) {
    const { root, level, interrupted, commands } = work;
    const venv = join(root, ".venv");
    const python = join(venv, "bin/python");
    if (interrupted || !existsSync(join(venv, "pyvenv.cfg")) || probe(python, []) === null) rmSync(venv, { recursive: true, force: true });
    const uv = await makeVenv(work, venv, python);
    const project = `${join(root, "python")}[${extras(level).join(",")}]`;
    const pins = ["--constraint", join(root, "python/constraints.txt")];
    await commands.run("python", uv, ["pip", "install", "--compile-bytecode", "--python", python, ...pins, "--editable", project], {
      cwd: root,
    });
    const modules = [
      "numpy",
      "ase",
      "zmq",
      "msgspec",
      "safetensors",
      "torch",
      "painnless",
      ...(level === "tests" ? ["tblite", "pytest", "hypothesis"] : []),
    ];
    await commands.run("python", python, ["-c", `import ${modules.join(", ")}`], { cwd: root });
  },
};

/** Makes the environment if there is none. Returns the uv that fills it: the one on PATH, or one installed inside.
 *  @param {Work} work @param {string} venv @param {string} python */
async function makeVenv({ root, commands }, venv, python) {
  const uv = uvOnPath();
  const base = basePython() ?? "python3";
  const exists = existsSync(python);
  if (uv !== null) {
    if (!exists) await commands.run("python", uv, ["venv", "--seed", "--python", base, venv], { cwd: root, fresh: true });
    return uv;
  }
  const inside = join(venv, "bin/uv");
  if (!exists) await commands.run("python", base, ["-m", "venv", venv], { cwd: root, fresh: true });
  if (!existsSync(inside))
    await commands.run("python", python, ["-m", "pip", "install", "--disable-pip-version-check", "uv"], { cwd: root });
  return inside;
}

function uvOnPath() {
  return onPath("uv") !== null && ask("uv", ["--version"]) !== null ? "uv" : null;
}

/** The first Python on PATH that is new enough, else one that uv knows. */
function basePython() {
  const newEnough = "import sys; sys.exit(sys.version_info < (3, 10))";
  const names = ["python3", "python3.12", "python3.13", "python3.11", "python3.10", "python3.14", "python"];
  for (const name of names) if (onPath(name) !== null && ask(name, ["-c", newEnough]) !== null) return name;
  return uvOnPath() === null ? null : ask("uv", ["python", "find", "--no-python-downloads", ">=3.10"]) || null;
}

/** Does a `.venv` that is there already hold all that is asked for, in the versions asked for? @param {string} root @param {Level} level */
function serves(root, level) {
  const pins = constraints(root);
  const wanted = requirements(root, level).map((requirement) => {
    const name = requirement.split(/[>=]/)[0] ?? requirement;
    return pins.has(name) ? `${name}==${pins.get(name)}` : requirement;
  });
  const found = probe(join(root, ".venv/bin/python"), wanted);
  return found !== null && found.source === pathToFileURL(join(root, "python")).href && found.packages.every(({ ok }) => ok);
}

/** An environment the user named serves as it is: nothing is installed into it, but what it lacks is said.
 *  @param {string} root @param {Level} level @param {string} named */
export function missingInNamed(root, level, named) {
  const found = probe(named, requirements(root, level));
  if (found === null)
    return [
      new Problem(
        `PAINNLESS_PYTHON=${named} does not run as a Python interpreter`,
        "let it name one, e.g. $CONDA_PREFIX/bin/python, or unset it to have .venv made",
      ),
    ];
  const [major, minor] = found.version;
  if (major < 3 || (major === 3 && minor < 10))
    return [
      new Problem(
        `PAINNLESS_PYTHON=${named} is Python ${found.version.join(".")}, 3.10 is the least`,
        "name a newer one, or unset it to have .venv made",
      ),
    ];
  const lacking = found.packages.filter(({ ok }) => !ok);
  if (lacking.length === 0) return [];
  const list = lacking.map((item) => `${item.requirement}${item.found === null ? " is absent" : `, found ${item.found}`}`).join("; ");
  const install = lacking.map((item) => `"${item.requirement}"`).join(" ");
  return [
    new Problem(
      `PAINNLESS_PYTHON=${named} lacks: ${list}`,
      `${named} -m pip install ${install}; or unset PAINNLESS_PYTHON to have .venv made`,
    ),
  ];
}
