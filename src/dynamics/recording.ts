import { readFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { PainnlessError } from "../errors.ts";
import type { Frame } from "../system/frame.ts";
import { AppendFile } from "./append-file.ts";
import { type Checkpoint, decodeCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { lockCheckpoint } from "./lock.ts";
import { type LogPart, readRunLog, recordLines, type ShadowPoint, shadowLine } from "./run-log.ts";
import type { DynamicsState, Stop, Stretch } from "./session.ts";
import { frameText, readFrames, type TrajectoryHead } from "./trajectory.ts";

/** Where a run keeps what it needs to go on. */
export interface RecordingPaths {
  readonly checkpoint: string;
  readonly log: string;
  /** null: frames are not kept */
  readonly trajectory: string | null;
}

/** What stays the same in all checkpoints of a run. */
export type RunIdentity = Omit<Checkpoint, "format" | "log" | "trajectory" | "stop" | "seconds" | "rebuilds" | "state">;

/** What changes from one checkpoint to the next, beside the files. */
export interface RunProgress {
  readonly state: DynamicsState;
  readonly stop: Stop | null;
  readonly seconds: number;
  readonly rebuilds: number | null;
}

/** The files of a run under way: frames, log and checkpoint, which say the same at each checkpoint, whatever happens in between. */
export class Recording {
  readonly paths: RecordingPaths;
  readonly head: TrajectoryHead;
  readonly #log: AppendFile;
  readonly #trajectory: AppendFile | null;
  readonly #unlock: () => void;
  #frames: number;
  #saved: number | null;

  private constructor(paths: RecordingPaths, head: TrajectoryHead, open: OpenFiles) {
    this.paths = paths;
    this.head = head;
    this.#log = open.log;
    this.#trajectory = open.trajectory;
    this.#unlock = open.unlock;
    this.#frames = open.frames;
    this.#saved = open.saved;
  }

  /** Of a new run. @throws {PainnlessError} USAGE if a run that could go on would be lost, or another process makes it now; WRITE_FAILED */
  static create(paths: RecordingPaths, head: TrajectoryHead): Promise<Recording> {
    return locked(paths.checkpoint, async (unlock) => {
      await assertNothingLost(paths.checkpoint);
      const trajectory = paths.trajectory === null ? null : await AppendFile.create(paths.trajectory);
      return new Recording(paths, head, { log: await AppendFile.create(paths.log), trajectory, unlock, frames: 0, saved: null });
    });
  }

  /** Of a run that goes on from a checkpoint; what came after it is cut off.
   *  @throws {PainnlessError} BAD_CHECKPOINT; USAGE if another process makes the run now */
  static resume(paths: RecordingPaths, head: TrajectoryHead, checkpoint: Checkpoint): Promise<Recording> {
    const { mark, frames } = checkpoint.trajectory ?? { mark: null, frames: 0 };
    return locked(paths.checkpoint, async (unlock) => {
      const log = await AppendFile.continueAt(paths.log, checkpoint.log.mark);
      try {
        const trajectory = mark === null || paths.trajectory === null ? null : await AppendFile.continueAt(paths.trajectory, mark);
        return new Recording(paths, head, { log, trajectory, unlock, frames, saved: checkpoint.state.step });
      } catch (cause) {
        await log.close();
        throw cause;
      }
    });
  }

  /** Frames kept so far; all replicas of a step are one. */
  get frames(): number {
    return this.#frames;
  }

  /** The step that the checkpoint on disk speaks of; null before there is one. */
  get saved(): number | null {
    return this.#saved;
  }

  /** Resolves when the system has taken all of it. One call at a time.
   *  @throws {PainnlessError} WRITE_FAILED; each file then ends with the last whole frame or line */
  async write(stretch: Pick<Stretch, "frames" | "records">, shadow: readonly ShadowPoint[]): Promise<void> {
    for (const frame of stretch.frames) {
      await this.#trajectory?.append(frameText(this.head, frame));
      this.#frames += 1;
    }
    await this.#log.append(recordLines(stretch.records, this.head.replicas) + shadow.map(shadowLine).join(""));
  }

  /** Makes this the point to go on from. @throws {PainnlessError} WRITE_FAILED; the checkpoint before then still holds */
  async save(identity: RunIdentity, progress: RunProgress): Promise<void> {
    // The files first: a checkpoint must not speak of bytes that a power cut can still take back.
    await Promise.all([this.#log.sync(), this.#trajectory?.sync()]);
    const folder = dirname(this.paths.checkpoint);
    const place = (file: AppendFile) => ({ path: relative(folder, file.path), mark: file.mark });
    const trajectory = this.#trajectory === null ? null : { ...place(this.#trajectory), frames: this.#frames };
    await writeCheckpoint(this.paths.checkpoint, {
      ...{ format: "painnless.checkpoint/1", ...identity, log: place(this.#log), trajectory, ...progress },
    });
    this.#saved = progress.state.step;
  }

  /** All that was logged since the run began, in parts. @throws {PainnlessError} BAD_CHECKPOINT if the file was changed meanwhile */
  readLog(): AsyncGenerator<LogPart, void, void> {
    return readRunLog(this.paths.log);
  }

  /** All frames since the run began; none where they were not kept. @throws {PainnlessError} BAD_STRUCTURE if the file was changed meanwhile */
  async *readFrames(): AsyncGenerator<Frame, void, void> {
    if (this.paths.trajectory !== null) yield* readFrames(this.paths.trajectory, this.head);
  }

  async close(): Promise<void> {
    await Promise.all([this.#log.close(), this.#trajectory?.close()]);
    this.#unlock();
  }
}

/** What a recording holds until it is closed, and where it begins. */
interface OpenFiles {
  readonly log: AppendFile;
  readonly trajectory: AppendFile | null;
  readonly unlock: () => void;
  readonly frames: number;
  readonly saved: number | null;
}

/** Opens the files of a run that no other process makes. */
async function locked(checkpoint: string, open: (unlock: () => void) => Promise<Recording>): Promise<Recording> {
  const unlock = await lockCheckpoint(checkpoint);
  try {
    return await open(unlock);
  } catch (cause) {
    unlock();
    throw cause;
  }
}

/** The paths that a checkpoint names, seen from where it lies now. */
export function pathsOf(file: string, checkpoint: Checkpoint): RecordingPaths {
  const beside = (path: string) => resolve(dirname(file), path);
  return {
    checkpoint: file,
    log: beside(checkpoint.log.path),
    trajectory: checkpoint.trajectory === null ? null : beside(checkpoint.trajectory.path),
  };
}

/** A run that was stopped by hand is easily started anew by mistake, which would remove hours of work. */
async function assertNothingLost(path: string): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return;
  const { state, options, stop } = decodeCheckpoint(path, text);
  if (state.step >= options.steps || stop !== null) return;
  throw new PainnlessError(
    "USAGE",
    `${path} holds a run that has come to step ${state.step} of ${options.steps}; go on with --resume ${path}, or remove it to begin anew`,
    { field: "checkpoint" },
  );
}
