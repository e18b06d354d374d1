import { describe, expect, test } from "vitest";
import { type Answer, type Contestant, interleave, verify } from "../../src/bench/trial.ts";

const inputs = {
  ...{ judge: "torch:cpu:f64", sets: 2, atoms: [2], cutoff: 5 },
  movement: async () => [{ components: 6, rms: 0, largest: 0 }],
};
const judged: Answer[] = [
  { energies: [-1], forces: Float64Array.of(1, 0, 0, -1, 0, 0) },
  { energies: [-2], forces: Float64Array.of(0, 2, 0, 0, -2, 0) },
];

const answering = (change: (answer: Answer, set: number) => Answer, side = "native:cpu:f32"): Contestant => ({
  ...{ name: "ours", side },
  evaluate: async (set) => change(judged[set] as Answer, set),
  time: async () => [1],
});

const force = (answer: Answer, index: number, by: number): Answer => ({
  ...answer,
  forces: answer.forces.map((f, k) => (k === index ? f + by : f)),
});

describe("verification", () => {
  test("says how far off a right answer is", async () => {
    const accuracy = await verify(
      answering((answer, set) => force(answer, 4, set * 3e-6)),
      judged,
      inputs,
    );
    expect(accuracy.forces).toBeCloseTo(3e-6, 12);
    expect(accuracy.tolerance).toBe(1e-5);
    expect(accuracy.energyPerAtom).toBe(0);
  });

  test("beyond the usual bound of a set each structure is judged by its own movement", async () => {
    const forces = Float64Array.of(100, 0, 0, -100, 0, 0);
    const both = { energies: [-1, -1], forces: Float64Array.of(...forces, ...forces) };
    const movement = async () => [1e-3, 1e-5].map((size) => ({ components: 6, rms: size, largest: size }));
    const two = { ...inputs, atoms: [2, 2], movement };
    const off = (index: number) => verify({ ...answering((a) => a), evaluate: async () => force(both, index, 4e-3) }, [both], two);
    await expect(off(4)).resolves.toMatchObject({ forces: expect.closeTo(4e-3, 9), tolerance: 6e-3 });
    await expect(off(7)).rejects.toMatchObject({ code: "NOT_FINITE", message: expect.stringMatching(/or 0.00006/) });
  });

  const refused: readonly (readonly [string, Contestant])[] = [
    ["a wrong force in the last set only", answering((answer, set) => force(answer, 5, set * 1e-3))],
    ["NaN", answering((answer) => force(answer, 0, Number.NaN))],
    ["a wrong energy", answering((answer) => ({ ...answer, energies: [0] }))],
    ["an energy that is NaN", answering((answer) => ({ ...answer, energies: [Number.NaN] }))],
    ["a missing component", answering((answer) => ({ ...answer, forces: answer.forces.slice(1) }))],
    ["a missing energy", answering((answer) => ({ ...answer, energies: [] }))],
    ["float32 accuracy of a float64 side", answering((answer) => force(answer, 0, 3e-6), "native:cpu:f64")],
  ];
  test.each(refused)("%s is refused", async (_, contestant) => {
    await expect(verify(contestant, judged, inputs)).rejects.toMatchObject({
      code: "NOT_FINITE",
      message: expect.stringContaining("not timed"),
    });
  });

  test("nothing to verify on is refused", async () => {
    await expect(
      verify(
        answering((a) => a),
        [],
        inputs,
      ),
    ).rejects.toMatchObject({ code: "NOT_FINITE" });
  });

  test("the opponent's float32 may be less exact than ours", async () => {
    const off = (side: string) =>
      verify(
        answering((a) => force(a, 0, 3e-5), side),
        judged,
        inputs,
      );
    await expect(off("torch:cpu:f32")).resolves.toMatchObject({ tolerance: 1e-4 });
    await expect(off("native:cpu:f32")).rejects.toMatchObject({ code: "NOT_FINITE" });
  });
});

describe("interleaving", () => {
  /** Contestants that take a fixed time on a shared clock and write down their turns. */
  const race = (durations: readonly number[]) => {
    const log: { who: number; set: number; count: number }[] = [];
    let clock = 0;
    const contestants = durations.map(
      (duration, who): Contestant => ({
        ...answering((answer) => answer),
        async time(set, count) {
          log.push({ who, set, count });
          clock += duration * count;
          return Array.from({ length: count }, () => duration);
        },
      }),
    );
    return { log, contestants, now: () => clock };
  };

  test("every contestant once a round, on the same set, first in turn", async () => {
    const { log, contestants, now } = race([0.001, 0.05, 0.01]);
    const times = await interleave(contestants, { seconds: 0, minimumRounds: 4, turn: 0.02, sets: 2, now });
    const turns = log.slice(3);
    expect(turns.map(({ who }) => who)).toEqual([0, 1, 2, 1, 2, 0, 2, 0, 1, 0, 1, 2]);
    expect(turns.map(({ set }) => set)).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    expect(times.map((rounds) => rounds.map((round) => round.length))).toEqual([
      [20, 20, 20, 20],
      [1, 1, 1, 1],
      [2, 2, 2, 2],
    ]);
  });

  test("goes on until the time is used", async () => {
    const { contestants, now } = race([0.5, 0.5]);
    const times = await interleave(contestants, { seconds: 10, minimumRounds: 3, turn: 0.02, sets: 2, now });
    expect(times[0]?.length).toBe(10);
  });
});
