/** What main.ts hands every command beside its arguments, as citty's `data`. */
export interface CommandData {
  /** aborts when the user interrupts */
  readonly signal: AbortSignal;
  /** Puts `end` in the place of what SIGTERM does, which is to end the process at once. */
  readonly onTerminate: (end: () => void) => void;
  /** Of what the engine still computes when the command returns: nobody waits for it, and the process ends at once. */
  readonly abandon: () => void;
}
