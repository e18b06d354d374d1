import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { childVariables, type PythonEnvironment } from "./environment.ts";

/** The part of pythonia that we use. It starts its interpreter when it is loaded, or, after an exit, at the next import of a module. */
interface Pythonia {
  python: { (module: string): Promise<ControlModule>; exit(): void; setFastMode(on: boolean): void };
  com: { proc: ChildProcess | null };
}

export interface ControlModule {
  /** one JSON request, one JSON answer */
  answer(request: string): Promise<string>;
}

export interface PythoniaSession {
  readonly child: ChildProcess;
  readonly control: Promise<ControlModule>;
  end(): void;
}

/** Starts the interpreter and imports our control module in it. Only one session at a time: pythonia keeps its process in a global.
 *  pythonia reads its settings from the environment, so they are there only while it does, in one synchronous stretch. */
export function openPythonia(python: PythonEnvironment): PythoniaSession {
  const { PYTHONSAFEPATH: _safe, ...variables } = childVariables(); // it finds its own files beside its script
  const settings = { ...variables, PYTHON_BIN: python.executable, REQ_TIMEOUT: "0" };
  const before = { ...process.env };
  setVariables(settings);
  try {
    const pythonia = createRequire(import.meta.url)("pythonia") as Pythonia;
    const control = pythonia.python("painnless.worker.control");
    // The promise is awaited against the child's exit; until then its rejection is not unhandled.
    control.catch(() => undefined);
    const child = pythonia.com.proc;
    if (child === null) throw new Error("pythonia has no process after it was asked for a module");
    return { child, control, end: () => pythonia.com.proc === child && pythonia.python.exit() };
  } finally {
    setVariables(before);
  }
}

/** These and no others. */
function setVariables(variables: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name];
  Object.assign(process.env, variables);
}
