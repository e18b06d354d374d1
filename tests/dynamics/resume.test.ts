import { appendFile, cp, readFile, truncate, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readFrames } from "../../src/dynamics/trajectory.ts";
import { Random } from "../../src/system/random.ts";
import { oscillators } from "./oscillators.ts";
import { begin, goOn, headOf, inFolder, pathsIn, remains } from "./recorded.ts";

const request = { steps: 60, replicas: 2 };
const whole = inFolder(async (folder) => {
  await begin(folder, request);
  return remains(folder);
});

test("a run leaves each frame and each record once", async () => {
  const { files, frames, state } = await whole;
  const [log = "", trajectory = ""] = files;
  expect(frames).toBe(21);
  expect([...trajectory.matchAll(/ step=(\d+)/g)].map(([, step]) => Number(step))).toEqual(
    Array.from({ length: 42 }, (_, k) => 3 * Math.floor(k / 2)),
  );
  const steps = log
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).step);
  expect(steps).toEqual(Array.from({ length: 31 }, (_, k) => 2 * k));
  expect(state.step).toBe(60);
});

test("a run that is stopped at any step and goes on leaves what an unbroken one does, bit for bit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 20 }),
      (stops, every) =>
        inFolder(async (folder) => {
          const interrupted = (steps: number) => {
            const abort = new AbortController();
            let left = steps;
            return { signal: abort.signal, checkpointEvery: every, onStretch: () => void (--left <= 0 && abort.abort()) };
          };
          await begin(folder, request, interrupted(stops[0] ?? 1));
          for (const stop of stops.slice(1)) await goOn(folder, interrupted(stop));
          await goOn(folder);
          expect(await remains(folder)).toEqual(await whole);
        }),
    ),
    { numRuns: 15, seed: 1 },
  );
});

test("what was written after the checkpoint, whole or in part, is cut off", async () => {
  await inFolder(async (folder) => {
    const { checkpoint, log, trajectory } = pathsIn(folder);
    const abort = new AbortController();
    let stretches = 0;
    await begin(folder, request, { checkpointEvery: 9, signal: abort.signal, onStretch: () => void (++stretches === 4 && abort.abort()) });
    const saved = await Promise.all([checkpoint, log, trajectory ?? ""].map((path) => readFile(path)));
    const random = new Random(0, "cuts");
    await goOn(folder);
    const [, logWhole, trajectoryWhole] = await Promise.all([checkpoint, log, trajectory ?? ""].map((path) => readFile(path)));
    for (let trial = 0; trial < 25; trial++) {
      // A killed run: the old checkpoint, and of each file as much as had reached the disk by then.
      await writeFile(checkpoint, saved[0] as Buffer);
      for (const [path, before, after] of [
        [log, saved[1], logWhole],
        [trajectory, saved[2], trajectoryWhole],
      ] as const) {
        const [low, high] = [(before as Buffer).length, (after as Buffer).length];
        await writeFile(path as string, (after as Buffer).subarray(0, low + random.integer(high - low + 1)));
      }
      const at = new AbortController();
      await goOn(folder, { signal: at.signal, onStretch: () => at.abort() });
      await remains(folder);
      await goOn(folder);
      expect(await remains(folder)).toEqual(await whole);
    }
  });
});

test("a file that is not the one the run wrote is refused and left as it is", async () => {
  await inFolder(async (folder) => {
    const trajectory = pathsIn(folder).trajectory as string;
    await begin(folder, { ...request, steps: 30 });
    const content = await readFile(trajectory);
    const changes: [() => Promise<void>, RegExp][] = [
      [() => truncate(trajectory, content.length - 1), /has \d+ bytes, but the checkpoint says it had/],
      [() => writeFile(trajectory, content.toString().replace(/\d\n$/, "x\n")), /does not hold at byte \d+ what the checkpoint says/],
      [() => cp(pathsIn(folder).checkpoint, trajectory), /the checkpoint says/],
    ];
    for (const [change, message] of changes) {
      await writeFile(trajectory, content);
      await change();
      const changed = await readFile(trajectory);
      await expect(goOn(folder)).rejects.toMatchObject({ code: "BAD_CHECKPOINT", message: expect.stringMatching(message) });
      expect(await readFile(trajectory)).toEqual(changed);
    }
  });
});

test("a run that could go on is not overwritten by a new one; one that came to its end is", async () => {
  await inFolder(async (folder) => {
    const abort = new AbortController();
    await begin(folder, request, { signal: abort.signal, onStretch: () => abort.abort() });
    await expect(begin(folder, request)).rejects.toMatchObject({ code: "USAGE", message: expect.stringMatching(/step 1 of 60.*--resume/) });
    await goOn(folder);
    await begin(folder, request);
    expect(await remains(folder)).toEqual(await whole);
  });
});

test("frames read back to the numbers they were written from; a half frame at the end is an error", async () => {
  await inFolder(async (folder) => {
    const path = pathsIn(folder).trajectory as string;
    await begin(folder, request);
    const session = oscillators(request);
    const { frames } = await session.advance(60);
    let k = 0;
    for await (const frame of readFrames(path, headOf(session))) {
      const expected = frames[k++];
      expect({ ...frame, velocities: null }).toEqual({ ...expected, velocities: null });
      frame.velocities.forEach((v, i) => {
        expect(Math.abs(v - (expected?.velocities[i] ?? Number.NaN))).toBeLessThanOrEqual(4e-16 * Math.abs(v));
      });
    }
    expect(k).toBe(21);
    await appendFile(path, "2\nLattice=");
    const drain = async () => {
      for await (const _ of readFrames(path, headOf(session)));
    };
    await expect(drain()).rejects.toMatchObject({
      code: "BAD_STRUCTURE",
      message: expect.stringMatching(/2 lines after the last whole frame/),
    });
  });
});
