import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";

/** The packages we ask about, by the names they are installed under. */
export const pythonPackages = [
  "numpy",
  "ase",
  "pyzmq",
  "msgspec",
  "safetensors",
  "torch",
  "schnetpack",
  "nvalchemi-toolkit-ops",
  "tblite",
] as const;
export type PythonPackage = (typeof pythonPackages)[number];

type Origin = "--python" | "PAINNLESS_PYTHON" | ".venv";

export interface PythonEnvironment {
  /** absolute path of the interpreter */
  readonly executable: string;
  readonly version: string;
  /** who chose it */
  readonly origin: Origin;
  /** installed version of each package, null where it is absent */
  readonly packages: Readonly<Record<PythonPackage, string | null>>;
  /** the folder its packages are installed in */
  readonly sitePackages: string;
}

/** The folder that holds our Python package, beside the TypeScript that runs. */
const pythonSource = fileURLToPath(new URL("../../python", import.meta.url));
const ownInterpreter = fileURLToPath(
  new URL(process.platform === "win32" ? "../../.venv/Scripts/python.exe" : "../../.venv/bin/python", import.meta.url),
);

const minimumVersion = [3, 10] as const;
const probeDeadlineMs = 30_000;

/** Versions from the packages' metadata, nothing imported: importing torch alone takes seconds. */
const probe = `
import json, sys, sysconfig, importlib.metadata as metadata
def version(name):
    try: return metadata.version(name)
    except metadata.PackageNotFoundError: return None
print(json.dumps({"executable": sys.executable, "version": "%d.%d.%d" % sys.version_info[:3],
                  "packages": {name: version(name) for name in sys.argv[1:]}, "sitePackages": sysconfig.get_path("purelib")}))
`;

const probeSchema = z.strictObject({
  executable: z.string().min(1),
  version: z.string(),
  packages: z.record(z.enum(pythonPackages), z.string().nullable()),
  sitePackages: z.string(),
});

/** The interpreter to use: the one the user named for this run, else the one PAINNLESS_PYTHON names, else the project's own .venv; with what
 *  is installed in it.
 *  @throws {PainnlessError} MISSING when there is none, it does not run, or it is older than 3.10 */
export async function resolvePython(variables: NodeJS.ProcessEnv = process.env, option: string | null = null): Promise<PythonEnvironment> {
  const named = option ?? variables.PAINNLESS_PYTHON;
  const origin: Origin = option !== null ? "--python" : named ? "PAINNLESS_PYTHON" : ".venv";
  const candidate = named || ownInterpreter;
  const remedies: Readonly<Record<Origin, string>> = {
    "--python": "name the interpreter of the environment that has the calculator, e.g. --python ENVIRONMENT/bin/python",
    PAINNLESS_PYTHON: "set PAINNLESS_PYTHON to the path of a Python interpreter, or unset it to use the project's .venv",
    ".venv": "run `npm start` to create it, or set PAINNLESS_PYTHON to an interpreter that has torch and ase",
  };
  const remedy = remedies[origin];
  if (!named || candidate.includes("/"))
    await access(candidate, constants.X_OK).catch((cause: unknown) => {
      throw new PainnlessError("MISSING", `Python interpreter ${candidate} (${origin}) is not there or not executable; ${remedy}`, {
        cause,
      });
    });
  const found = probeSchema.safeParse(await runProbe(candidate, origin, remedy));
  if (!found.success)
    throw new PainnlessError("MISSING", `${candidate} (${origin}) does not answer like Python: ${found.error.message}; ${remedy}`);
  const [major = 0, minor = 0] = found.data.version.split(".").map(Number);
  if (major !== minimumVersion[0] || minor < minimumVersion[1])
    throw new PainnlessError(
      "MISSING",
      `${candidate} (${origin}) is Python ${found.data.version}, expected ${minimumVersion.join(".")} or newer; ${remedy}`,
    );
  return { ...found.data, origin };
}

function runProbe(executable: string, origin: string, remedy: string): Promise<unknown> {
  const options = { timeout: probeDeadlineMs, killSignal: "SIGKILL" } as const;
  return new Promise((resolve, reject) => {
    execFile(executable, ["-c", probe, ...pythonPackages], options, (cause, stdout, stderr) => {
      const said = stderr.trim().split("\n").at(-1);
      const fail = (why: string) =>
        reject(new PainnlessError("MISSING", `Python interpreter ${executable} (${origin}) ${why}; ${remedy}`, { cause }));
      if (cause) return fail(cause.killed ? `did not answer within ${probeDeadlineMs / 1000} s` : `did not run: ${said || cause.message}`);
      try {
        resolve(JSON.parse(stdout));
      } catch {
        fail(`answered ${JSON.stringify(stdout.slice(0, 80))}, expected JSON`);
      }
    });
  });
}

const extras: Partial<Record<PythonPackage, string>> = { torch: "reference", tblite: "teacher" };

/** The version of a package.
 *  @throws {PainnlessError} MISSING with the command that installs it */
export function requirePackage(python: PythonEnvironment, name: PythonPackage, purpose: string): string {
  const version = python.packages[name];
  if (version !== null) return version;
  const what = extras[name] === undefined ? name : `"painnless[${extras[name]}]"`;
  throw new PainnlessError(
    "MISSING",
    `${purpose} needs the Python package ${name}, which ${python.executable} does not have; install it with \`${python.executable} -m pip install ${what}\``,
  );
}

/** Variables for a Python child: ours, and where to find the package, so that an interpreter of the user's serves as it is. But for
 *  PYTHONOPTIMIZE, which takes out the `assert` that readers of ASE rely on. */
export function childVariables(variables: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const { PYTHONPATH: path, PYTHONOPTIMIZE: _optimize, ...others } = variables;
  return { ...others, PYTHONPATH: path ? `${pythonSource}${delimiter}${path}` : pythonSource, PYTHONUNBUFFERED: "1" };
}
