import type { OpenExact } from "../../crosscheck/conditioning.ts";
import { openSession } from "../../dynamics/open.ts";
import { PainnlessError } from "../../errors.ts";
import type { ModelFile } from "../../model/model-file.ts";
import type { Potential } from "../../system/potential.ts";
import type { Structure } from "../../system/structure.ts";
import { verify } from "../trial.ts";
import { shortRun, stillRun } from "./dynamics.ts";
import { type Judgement, judgeByEngine } from "./judge.ts";
import { cardRow, makeSets } from "./rows.ts";
import type { TuneOptions } from "./tune.ts";

/** What engines are tuned on: structures as `bench gpu` has them, judged by the exact engine; short runs. */
export function tuneSubjects(
  exact: Potential,
  model: ModelFile,
  seed: number,
  openExact: OpenExact,
): Pick<TuneOptions, "structures" | "verify" | "openRun"> {
  const judgements = new WeakMap<readonly Structure[], Judgement>();
  return {
    structures: (atoms, structures) => makeSets(cardRow(String(atoms), structures), seed, 1, model.config.elements)[0] ?? [],
    async verify(engine, batch) {
      const judgement = judgements.get(batch) ?? (await judgeByEngine(exact, [batch], model, seed, openExact));
      judgements.set(batch, judgement);
      const evaluate = async () => judgement.of(await engine.evaluate(batch, judgement.want), 0);
      const time = () => Promise.reject(new PainnlessError("INTERNAL", "it is only verified"));
      await verify({ name: engine.name, side: engine.name, evaluate, time }, judgement.answers, judgement.inputs);
    },
    async openRun(engine, structure, still) {
      const session = await openSession(engine, structure, { ...(still ? stillRun : shortRun), replicas: 1, steps: 2 ** 40 });
      return {
        async advance(steps) {
          const { seconds, stop } = await session.advance(steps);
          if (stop !== null) throw new PainnlessError("UNSTABLE", `the run that was timed stopped: ${stop.message}`);
          return seconds;
        },
        state: () => session.state().positions,
        close: () => session.close(),
      };
    },
  };
}
