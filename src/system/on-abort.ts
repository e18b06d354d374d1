interface Waiting {
  readonly actions: Set<() => void>;
  readonly listener: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/** Calls `action` when the signal aborts, never where it has already. However many wait for a signal, it has one listener of ours: Node warns of a leak
 *  at the eleventh, and a run of many requests has more under way. Returns how to let go. */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  if (signal === undefined || signal.aborted) return () => undefined;
  const { actions, listener } = waiting.get(signal) ?? listen(signal);
  const own = () => action(); // an action that is given twice is two
  actions.add(own);
  return () => {
    if (!actions.delete(own) || actions.size > 0) return;
    waiting.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}

function listen(signal: AbortSignal): Waiting {
  const actions = new Set<() => void>();
  const listener = () => {
    waiting.delete(signal);
    for (const action of actions) action(); // one that lets go of another takes it out of the set, and it is not called
  };
  const fresh = { actions, listener };
  signal.addEventListener("abort", listener, { once: true });
  waiting.set(signal, fresh);
  return fresh;
}
