import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { readCheckpoint } from "../../src/dynamics/checkpoint.ts";
import { pathsOf, Recording, type RecordingPaths, type RunIdentity } from "../../src/dynamics/recording.ts";
import { type RunEnd, type RunRequest, runSession } from "../../src/dynamics/run.ts";
import type { DynamicsSession } from "../../src/dynamics/session.ts";
import { oscillators, structure } from "./oscillators.ts";

/** Runs of the oscillators with all their files, in a folder that goes again. */

export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "painnless-md-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const pathsIn = (folder: string): RecordingPaths => ({
  checkpoint: join(folder, "run.checkpoint"),
  log: join(folder, "run.log"),
  trajectory: join(folder, "run.xyz"),
});

export const identityOf = ({ options }: DynamicsSession): RunIdentity => ({
  version: "0.0.0",
  command: "painnless md",
  started: "2026-01-01T00:00:00.000Z",
  model: { path: "model.safetensors", sha256: "0" },
  side: { asked: "auto", name: "test:oscillators", kernels: [] },
  structure,
  options,
  shadow: null,
  out: null,
});

export const headOf = ({ structure, masses, energyOffset, options }: DynamicsSession) => ({
  ...{ structure, masses, energyOffset, replicas: options.replicas },
});

type Settings = Partial<Omit<RunRequest, "session" | "recording" | "identity">>;

export const drive = (session: DynamicsSession, recording: Recording, settings: Settings = {}): Promise<RunEnd> =>
  runSession({
    ...{ session, recording, identity: identityOf(session), before: { seconds: 0, rebuilds: 0 }, checkpointEvery: null, shadow: null },
    ...{ onStretch: () => undefined, signal: new AbortController().signal, clock: () => performance.now() },
    ...settings,
  });

/** A run from its beginning. */
export async function begin(folder: string, request: Parameters<typeof oscillators>[0], settings: Settings = {}): Promise<RunEnd> {
  const session = oscillators(request);
  const recording = await Recording.create(pathsIn(folder), headOf(session));
  return drive(session, recording, settings).finally(() => recording.close());
}

/** The run goes on from its checkpoint. */
export async function goOn(folder: string, settings: Settings = {}): Promise<RunEnd> {
  const file = pathsIn(folder).checkpoint;
  const checkpoint = await readCheckpoint(file);
  const session = oscillators(checkpoint.options, checkpoint.state);
  const recording = await Recording.resume(pathsOf(file, checkpoint), headOf(session), checkpoint);
  const { seconds, rebuilds } = checkpoint;
  return drive(session, recording, { before: { seconds, rebuilds }, ...settings }).finally(() => recording.close());
}

/** What a run leaves: frames and log byte for byte, and the last state. */
export async function remains(folder: string) {
  const { checkpoint, log, trajectory } = pathsIn(folder);
  const { state, stop, trajectory: place, log: logPlace } = await readCheckpoint(checkpoint);
  const files = await Promise.all([log, trajectory ?? ""].map((path) => readFile(path, "utf8")));
  // Nothing lies behind what the last checkpoint speaks of.
  expect(files.map((file) => Buffer.byteLength(file))).toEqual([logPlace.mark.bytes, place?.mark.bytes]);
  return { state, stop, frames: place?.frames, files };
}
