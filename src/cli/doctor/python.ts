import { PainnlessError } from "../../errors.ts";
import { type PythonEnvironment, type PythonPackage, pythonPackages, resolvePython } from "../../python/environment.ts";
import type { Finding } from "./finding.ts";

/** What each optional package is good for, and how to have it; the others are needed by every command that compares with PyTorch. */
const optional: Partial<Record<PythonPackage, (executable: string) => string>> = {
  schnetpack: () =>
    'only for the side "package", which runs a checkpoint in SchNetPack itself, and to be timed by bench; PAINNLESS_PYTHON may name an environment that has it',
  "nvalchemi-toolkit-ops": (executable) =>
    `only to have its neighbour search timed by bench; ${executable} -m pip install nvalchemi-toolkit-ops`,
  tblite: (executable) => `only to train models on GFN2-xTB, or as an ase: side; ${executable} -m pip install tblite`,
};

/** The interpreter (null where there is none) and the findings about it and its packages. */
export async function probePython(): Promise<{ python: PythonEnvironment | null; findings: Finding[] }> {
  try {
    const python = await resolvePython();
    const found = `${python.version}, ${python.executable} (${python.origin})`;
    return { python, findings: [{ group: "python", name: "Python", found, needed: true, remedy: null }, ...packageFindings(python)] };
  } catch (error) {
    if (!(error instanceof PainnlessError) || error.code !== "MISSING") throw error;
    return { python: null, findings: [{ group: "python", name: "Python", found: null, needed: true, remedy: error.message }] };
  }
}

function packageFindings(python: PythonEnvironment): Finding[] {
  return pythonPackages.map((name) => {
    const found = python.packages[name];
    const use = optional[name]?.(python.executable);
    const install = python.origin === ".venv" ? "rm -rf .setup && npm run setup" : `${python.executable} -m pip install ${name}`;
    const remedy = found === null ? (use ?? install) : null;
    return { group: "python", name, found, needed: use === undefined, remedy };
  });
}
