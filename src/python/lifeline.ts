import type { ChildProcess } from "node:child_process";

/** Children and folders that must not outlive this process. SIGKILL of us is the child's own affair: it watches its parent. */
interface Guarded {
  readonly child: ChildProcess;
  readonly cleanUp: () => void;
}

const guarded = new Set<Guarded>();
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Kills the child and runs `cleanUp` (synchronous) when this process exits or is ended by a signal that nobody else handles.
 *  Returns how to let go. */
export function guard(child: ChildProcess, cleanUp: () => void): () => void {
  if (guarded.size === 0) {
    process.on("exit", endAll);
    for (const signal of signals) process.on(signal, onSignal);
  }
  const entry = { child, cleanUp };
  guarded.add(entry);
  return () => {
    guarded.delete(entry);
    if (guarded.size > 0) return;
    process.off("exit", endAll);
    for (const signal of signals) process.off(signal, onSignal);
  };
}

function endAll(): void {
  for (const { child, cleanUp } of guarded) {
    child.kill("SIGKILL");
    cleanUp();
  }
}

/** A program that handles the signal itself decides when to end, and `exit` follows; without one, the signal ends us as it would have. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  endAll();
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}
