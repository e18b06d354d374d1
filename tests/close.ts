import { expect } from "vitest";

/** Fails unless every |actual - expected| <= tolerance * scale. NaN is never close; unequal lengths and empty arrays are refused.
 *  @param scale what the tolerance is relative to; the largest expected entry is a common choice, 1 makes it absolute */
export function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, scale = 1): void {
  expect(actual.length, "length").toBe(expected.length);
  expect(expected.length, "entries to compare").toBeGreaterThan(0);
  let worst = 0;
  let worstError = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs((actual[i] as number) - (expected[i] as number));
    if (!(error <= worstError)) [worst, worstError] = [i, error];
    if (Number.isNaN(error)) break;
  }
  if (!(worstError <= tolerance * scale))
    expect.fail(
      `entry ${worst}: ${actual[worst]}, expected ${expected[worst]}; off by ${worstError}, allowed ${tolerance * scale} = ${tolerance} x ${scale}`,
    );
}
