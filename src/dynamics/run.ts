import type { Frame } from "../system/frame.ts";
import type { Recording, RunIdentity } from "./recording.ts";
import type { ShadowPoint } from "./run-log.ts";
import type { DynamicsSession, Stop, Stretch } from "./session.ts";

export interface RunRequest {
  readonly session: DynamicsSession;
  readonly recording: Recording;
  readonly identity: RunIdentity;
  /** of a run that goes on: wall clock and neighbour searches before */
  readonly before: { readonly seconds: number; readonly rebuilds: number | null };
  /** steps between checkpoints; null: once a minute */
  readonly checkpointEvery: number | null;
  /** compares a second side on the frames it wants to see; waited for before the next stretch is written */
  readonly shadow: ((frame: Frame) => Promise<ShadowPoint | null>) | null;
  /** when the first is heard of, there is a checkpoint */
  readonly onStretch: (stretch: Stretch) => void;
  /** ends the run at the next step, with a checkpoint */
  readonly signal: AbortSignal;
  /** ms, of any origin that stays */
  readonly clock: () => number;
}

export interface RunEnd {
  readonly step: number;
  readonly stop: Stop | null;
  readonly interrupted: boolean;
  /** wall clock of all steps since the run began, and neighbour searches */
  readonly seconds: number;
  readonly rebuilds: number | null;
}

const checkpointMs = 60_000;
/** What a person who watches should wait for news, and a stretch should last. */
const stretchSeconds = 0.25;
/** Of frames and records that one stretch may bring. */
const stretchBytes = 32e6;

/** Makes the remaining steps of a session. While a stretch is computed, the one before goes to disk; a slow disk is waited for, so that no more than two
 *  stretches are ever held. Ends with a checkpoint, also when interrupted or stopped by a guard.
 *  @throws {PainnlessError} WRITE_FAILED and what the potential throws; what the last checkpoint says then still holds */
export async function runSession(request: RunRequest): Promise<RunEnd> {
  const { session, recording, signal, checkpointEvery } = request;
  const last = session.options.steps;
  let { seconds, rebuilds } = request.before;
  let stop: Stop | null = null;
  let writing = Promise.resolve();
  let saved = { step: session.step, at: request.clock() };
  const save = async () => {
    await writing;
    await recording.save(request.identity, { state: session.state(), stop, seconds, rebuilds });
    saved = { step: session.step, at: request.clock() };
  };
  /** The first stretch of a new run is short: from then on there is something to go on from. */
  let steps = 1;
  let first = true;
  try {
    do {
      const due = checkpointEvery === null ? Number.POSITIVE_INFINITY : saved.step + checkpointEvery - session.step;
      const stretch = await session.advance(Math.min(steps, due), signal);
      await writing;
      writing = write(request, stretch);
      // Whoever waits for it next hears of its failure.
      writing.catch(() => undefined);
      seconds += stretch.seconds;
      rebuilds = rebuilds === null || stretch.rebuilds === null ? null : rebuilds + stretch.rebuilds;
      stop = stretch.stop;
      steps = nextSteps(session, steps, stretch.seconds);
      const late = checkpointEvery === null ? request.clock() - saved.at >= checkpointMs : session.step - saved.step >= checkpointEvery;
      if (first || late) await save();
      first = false;
      request.onStretch(stretch);
    } while (session.step < last && stop === null && !signal.aborted);
    await save();
  } finally {
    await writing.catch(() => undefined);
  }
  return { step: session.step, stop, interrupted: signal.aborted, seconds, rebuilds };
}

async function write({ recording, shadow }: RunRequest, stretch: Stretch): Promise<void> {
  const points: ShadowPoint[] = [];
  for (const frame of stretch.frames) {
    const point = (await shadow?.(frame)) ?? null;
    if (point !== null) points.push(point);
  }
  await recording.write(stretch, points);
}

/** As many steps as last a stretch, at most twice those before, and no more than memory is to hold. */
function nextSteps({ options, structure }: DynamicsSession, steps: number, seconds: number): number {
  const { replicas, frameEvery, recordEvery } = options;
  const frameBytes = frameEvery === 0 ? 0 : (72 * replicas * structure.numbers.length) / frameEvery;
  const bytes = frameBytes + (24 * replicas) / recordEvery;
  const lasting = seconds > 0 ? (steps * stretchSeconds) / seconds : Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor(Math.min(2 * steps, lasting, stretchBytes / bytes)));
}
