import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { onAbort } from "../../src/system/on-abort.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

test("however many wait for a signal, it has one listener; none when all have let go", () => {
  const { signal } = new AbortController();
  const act = () => undefined;
  const letGo = Array.from({ length: 50 }, () => onAbort(signal, act));
  expect(listeners(signal)).toBe(1);
  for (const one of letGo.slice(1)) one();
  expect(listeners(signal)).toBe(1);
  letGo[0]?.();
  expect(listeners(signal)).toBe(0);
  const again = onAbort(signal, act);
  letGo[0]?.(); // a second time: no other's business
  const another = onAbort(signal, act);
  expect(listeners(signal)).toBe(1);
  again();
  another();
  expect(listeners(signal)).toBe(0);
});

test("each is called once, in order, but who has let go, also in between", () => {
  const controller = new AbortController();
  const called: string[] = [];
  const letGo: Record<string, () => void> = {};
  for (const name of ["a", "b", "c", "d"])
    letGo[name] = onAbort(controller.signal, () => {
      called.push(name);
      letGo.c?.();
    });
  letGo.b?.();
  controller.abort();
  controller.abort();
  expect(called).toEqual(["a", "d"]);
});

test("without a signal, or with one that has aborted, nothing is called", () => {
  const act = () => expect.unreachable();
  onAbort(undefined, act)();
  onAbort(AbortSignal.abort(), act)();
});
