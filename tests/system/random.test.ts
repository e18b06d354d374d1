import { describe, expect, test } from "vitest";
import { philox, Random } from "../../src/system/random.ts";
import { knownPhilox } from "./philox.ts";

test.each(knownPhilox)("philox4x32-10 of %j with key %j", (counter, key, expected) => {
  expect(philox(counter, key)).toEqual(expected);
});

describe("Random", () => {
  const draw = (random: Random, count: number) => Array.from({ length: count }, () => random.uniform());

  test("repeats, and depends on the seed and the stream", () => {
    const numbers = draw(new Random(3, "a"), 5);
    expect(draw(new Random(3, "a"), 5)).toEqual(numbers);
    expect(draw(new Random(4, "a"), 5)).not.toEqual(numbers);
    expect(draw(new Random(3, "b"), 5)).not.toEqual(numbers);
    expect(draw(new Random(3 + 2 ** 32, "a"), 5)).not.toEqual(numbers);
  });
  test("a split stream does not move with what its parent drew", () => {
    const parent = new Random(1, "p");
    const before = draw(parent.split("x"), 3);
    draw(parent, 7);
    expect(draw(parent.split("x"), 3)).toEqual(before);
  });
  test("uniform and normal deviates have their moments", () => {
    const random = new Random(0, "moments");
    const n = 20_000;
    const uniform = draw(random, n);
    const normal = Array.from({ length: n }, () => random.normal());
    const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / n;
    // Five standard errors.
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(mean(normal))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(mean(normal.map((x) => x * x)) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
  });
  test("a permutation holds each index once", () => {
    expect(new Random(0, "order").permutation(50).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
});
