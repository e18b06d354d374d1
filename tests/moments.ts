/** How often tests try what can happen at any moment: as often as there is time for among all the others; docs/usage.md says how to ask for more. */

function countOf(variable: string, usual: number): number {
  const text = process.env[variable];
  const count = text ? Number(text) : usual;
  if (!(Number.isInteger(count) && count >= 1)) throw new Error(`${variable} is "${text}", expected a whole number of at least 1`);
  return count;
}

/** At how many random moments a process is killed, in each test that kills. */
export const moments = countOf("PAINNLESS_FAULT_MOMENTS", 4);
/** Damaged messages that a server is sent. */
export const damaged = countOf("PAINNLESS_FAULT_MESSAGES", 4_000);
