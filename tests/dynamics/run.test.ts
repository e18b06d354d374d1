import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeCheckpoint } from "../../src/dynamics/checkpoint.ts";
import { Recording } from "../../src/dynamics/recording.ts";
import type { DynamicsSession, Stop } from "../../src/dynamics/session.ts";
import { oscillators } from "./oscillators.ts";
import { begin, drive, headOf, inFolder, pathsIn, remains } from "./recorded.ts";

/** A session whose stretches are counted. */
function counted(session: DynamicsSession, seconds: number) {
  const made = { stretches: 0 };
  const advance: DynamicsSession["advance"] = async (steps, signal) => {
    made.stretches += 1;
    return { ...(await session.advance(steps, signal)), seconds };
  };
  const watched = Object.defineProperties({ ...session, advance }, { step: { get: () => session.step } }) as DynamicsSession;
  return { watched, made };
}

test("a slow disk slows the run: no more than two stretches are ever held", async () => {
  await inFolder(async (folder) => {
    const { watched, made } = counted(oscillators({ steps: 40, frameEvery: 1 }), 1);
    const recording = await Recording.create(pathsIn(folder), headOf(watched));
    let written = 0;
    let held = 0;
    const end = await drive(watched, recording, {
      // A stretch that lasted a second is followed by one of a step: here a stretch is a frame, and each frame waits here before it is written.
      shadow: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        held = Math.max(held, made.stretches - written);
        written += 1;
        return null;
      },
    });
    await recording.close();
    expect(end).toMatchObject({ step: 40, stop: null, interrupted: false, seconds: made.stretches });
    expect(made.stretches).toBeGreaterThan(30);
    expect(held).toBeLessThanOrEqual(2);
    expect((await remains(folder)).frames).toBe(41);
  });
});

test("stretches last a moment and bring what memory can hold", async () => {
  await inFolder(async (folder) => {
    const asked: number[] = [];
    const session = oscillators({ steps: 3000, frameEvery: 1, recordEvery: 1 });
    const advance: DynamicsSession["advance"] = async (steps, signal) => {
      asked.push(steps);
      return { ...(await session.advance(steps, signal)), seconds: steps * 1e-3 };
    };
    const timed = Object.defineProperties({ ...session, advance }, { step: { get: () => session.step } }) as DynamicsSession;
    const recording = await Recording.create(pathsIn(folder), headOf(timed));
    await drive(timed, recording);
    await recording.close();
    expect(asked.slice(0, 5)).toEqual([1, 2, 4, 8, 16]);
    expect(Math.max(...asked)).toBe(250);
  });
});

test("checkpoints come when their steps are due, and at the end", async () => {
  await inFolder(async (folder) => {
    const { checkpoint } = pathsIn(folder);
    const saved = new Set<number>();
    const look = () => saved.add(decodeCheckpoint(checkpoint, readFileSync(checkpoint, "utf8")).state.step);
    await begin(folder, { steps: 25 }, { checkpointEvery: 10, onStretch: look });
    look();
    expect([...saved]).toEqual([1, 11, 21, 25]);
  });
});

test("a guard ends the run with a checkpoint that says why", async () => {
  await inFolder(async (folder) => {
    const stop: Stop = {
      ...{ reason: "force", step: 4, replica: 0, atom: 1, other: null, value: 300, limit: 200, position: null },
      message: "the force on atom 1 is 300 eV/Å",
    };
    const session = oscillators({ steps: 30 });
    const advance: DynamicsSession["advance"] = async (steps) => ({ ...(await session.advance(Math.min(steps, 3 - session.step))), stop });
    const stopping = Object.defineProperties({ ...session, advance }, { step: { get: () => session.step } }) as DynamicsSession;
    const recording = await Recording.create(pathsIn(folder), headOf(stopping));
    expect(await drive(stopping, recording)).toMatchObject({ stop, interrupted: false });
    await recording.close();
    expect(await remains(folder)).toMatchObject({ stop });
    // There is nothing to go on with, so nothing is lost by a new run.
    await begin(folder, { steps: 5 });
  });
});

test("when a step fails, what was saved before it still holds", async () => {
  await inFolder(async (folder) => {
    const session = oscillators({ steps: 30 });
    const advance: DynamicsSession["advance"] = async (steps, signal) => {
      if (session.step > 10) throw new Error("the worker died");
      return session.advance(steps, signal);
    };
    const failing = Object.defineProperties({ ...session, advance }, { step: { get: () => session.step } }) as DynamicsSession;
    const recording = await Recording.create(pathsIn(folder), headOf(failing));
    await expect(drive(failing, recording, { checkpointEvery: 4 })).rejects.toThrow("the worker died");
    await recording.close();
    expect((await remains(folder)).state.step).toBeGreaterThanOrEqual(5);
  });
});
