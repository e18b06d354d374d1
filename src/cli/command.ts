/** What main.ts hands every command beside its arguments, as citty's `data`. */
export interface CommandData {
  /** aborts when the user interrupts */
  readonly signal: AbortSignal;
}
