import { dirname, relative, resolve } from "node:path";
import type { Checkpoint } from "../dynamics/checkpoint.ts";
import { EnergyTrace } from "../dynamics/energy-trace.ts";
import { writeH5md } from "../dynamics/h5md.ts";
import { openSession } from "../dynamics/open.ts";
import { Recording, type RunIdentity } from "../dynamics/recording.ts";
import { type RunEnd, runSession } from "../dynamics/run.ts";
import type { DynamicsSession } from "../dynamics/session.ts";
import { shadowOf } from "../dynamics/shadow.ts";
import { PainnlessError } from "../errors.ts";
import { withBridge } from "../python/bridge.ts";
import { resolvePython } from "../python/environment.ts";
import { progressOf } from "./md-progress.ts";
import type { MdPlan } from "./md-request.ts";
import { claimOutput, makeRoom } from "./output.ts";
import type { OpenSide, Sides } from "./sides.ts";
import { quoted } from "./terminal.ts";
import { engineBuild, packageVersion } from "./version.ts";

/** A run that has come to its end, or to where it was stopped. */
export interface MdRun {
  readonly plan: MdPlan;
  readonly end: RunEnd;
  readonly session: Pick<DynamicsSession, "freedoms" | "masses" | "energyOffset">;
  readonly recording: Recording;
  readonly trace: EnergyTrace;
  readonly identity: RunIdentity;
  readonly side: OpenSide;
}

export interface RunSettings {
  readonly command: string;
  /** steps between checkpoints; null: once a minute */
  readonly checkpointEvery: number | null;
  readonly logJson: boolean;
  readonly signal: AbortSignal;
}

/** Makes the steps of a run and keeps them; its files are whole and closed when this returns.
 *  @throws {PainnlessError} what the sides, the session and the disk throw */
export async function runPlan(plan: MdPlan, sides: Sides, settings: RunSettings): Promise<MdRun> {
  const { structure, options, shadow, resumed, paths } = plan;
  const [side, second] = await Promise.all([sides.open(plan.side), shadow === null ? null : sides.open(shadow.side)]);
  if (resumed !== null && side.potential.name !== resumed.side.name)
    throw new PainnlessError(
      "USAGE",
      `${plan.side} is ${side.potential.name} here, but the run in ${paths.checkpoint} was made by ${resumed.side.name}`,
      { field: "side" },
    );
  const session = await openSession(side.potential, structure, options, resumed === null ? {} : { state: resumed.state });
  try {
    const head = { structure, masses: session.masses, replicas: options.replicas, energyOffset: session.energyOffset };
    await makeRoom(paths.checkpoint);
    await makeRoom(paths.trajectory ?? paths.checkpoint);
    const recording = await (resumed === null ? Recording.create(paths, head) : Recording.resume(paths, head, resumed));
    try {
      // What an earlier run left there must not pass for this one's.
      if (resumed === null && plan.converted !== null) await claimOutput(plan.converted);
      const identity = await identityOf(plan, side, settings.command);
      if (identity.side.kernels.length > Math.max(1, resumed?.side.kernels.length ?? 1))
        process.stderr.write(`${otherBits(identity.side.kernels)}\n`);
      const atoms = structure.numbers.length;
      const trace = new EnergyTrace({ replicas: options.replicas, timestep: options.timestep, atoms, freedoms: session.freedoms });
      if (resumed !== null) for await (const { records } of recording.readLog()) trace.add(records);
      const clock = () => performance.now();
      const progress = progressOf(session, trace, settings.logJson, clock);
      try {
        const end = await runSession({
          ...{ session, recording, identity, clock, signal: settings.signal, checkpointEvery: settings.checkpointEvery },
          before: resumed === null ? { seconds: 0, rebuilds: 0 } : { seconds: resumed.seconds, rebuilds: resumed.rebuilds },
          shadow: second === null || shadow === null ? null : shadowOf(second.potential, structure, shadow.every, options.frameEvery),
          onStretch: (stretch) => {
            trace.add(stretch.records);
            progress.update(stretch);
          },
        });
        const { freedoms, masses, energyOffset } = session;
        return { plan, end, session: { freedoms, masses, energyOffset }, recording, trace, identity, side };
      } catch (cause) {
        throw withRemedy(cause, recording);
      } finally {
        progress.stop();
      }
    } finally {
      await recording.close();
    }
  } finally {
    await session.close();
  }
}

/** What a user must know of a run that another build, processor, card or package went on with, which rounds in other places. */
export const otherBits = ([first, ...others]: readonly string[]): string =>
  `This run was resumed with ${others.join("; then with ")} instead of ${first}: it went on from the same state, but its bits may no longer be those of an unbroken run.`;

/** Whatever went wrong on the way, a user wants to know what is not lost. */
function withRemedy(cause: unknown, { saved, paths }: Recording): unknown {
  if (saved === null || !(cause instanceof PainnlessError)) return cause;
  const remedy = `the run is saved at step ${saved} and goes on from there with: painnless md --resume ${quoted(paths.checkpoint)}`;
  return new PainnlessError(cause.code, `${cause.message}; ${remedy}`, { field: cause.field, cause });
}

async function identityOf(plan: MdPlan, { potential, versions }: OpenSide, command: string): Promise<RunIdentity> {
  const { model, structure, options, shadow, converted, paths, resumed } = plan;
  const known: Pick<Checkpoint, "version" | "command" | "started"> = resumed ?? {
    ...{ version: await packageVersion(), command, started: new Date().toISOString() },
  };
  // Whatever answers, our build makes the steps.
  const computing = [`painnless ${await engineBuild()}`, ...Object.entries(versions).map(([name, version]) => `${name} ${version}`)].join(
    ", ",
  );
  return {
    ...{ version: known.version, command: known.command, started: known.started, structure, options, shadow },
    model: { path: resolve(model.path), sha256: model.sha256 },
    side: {
      ...{ asked: plan.side, name: potential.name },
      kernels: [...new Set([...(resumed?.side.kernels ?? []), computing])],
    },
    out: converted === null ? null : relative(dirname(paths.checkpoint), converted),
  };
}

/** Makes the file that was asked for of the frames of a run that is over.
 *  @throws {PainnlessError} WRITE_FAILED, MISSING (Python, for .traj) */
export async function convertFrames({ plan, recording, identity }: MdRun): Promise<void> {
  const { converted, paths } = plan;
  if (converted === null || paths.trajectory === null) return;
  const stream = paths.trajectory;
  if (!converted.endsWith(".traj")) return writeH5md(converted, recording.head, recording.readFrames(), identity.version);
  // ASE takes about 0.1 ms a frame: an hour is enough for any file that a disk holds.
  const python = await resolvePython();
  await withBridge(python, (bridge) => bridge.convertTrajectory(stream, converted, { deadlineMs: 3_600_000 }));
}
