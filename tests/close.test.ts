import { describe, expect, test } from "vitest";
import { assertClose } from "./close.ts";

describe("assertClose", () => {
  test("passes what is within the tolerance", () => {
    assertClose([1, 2], [1.05, 2], 0.1);
    assertClose([100], [101], 0.01, 101);
    assertClose([1], [1], 0);
  });
  test.each([
    ["a difference", [1, 2], [1, 2.2], 0.1, 1, /entry 1: 2, expected 2.2/],
    ["NaN computed", [Number.NaN], [1], 1e9, 1, /entry 0: NaN/],
    ["NaN expected", [1, 1], [1, Number.NaN], 1e9, 1, /entry 1/],
    ["infinity on both sides", [Infinity], [Infinity], 1e9, 1, /entry 0/],
    ["a NaN tolerance", [1], [1], Number.NaN, 1, /allowed NaN/],
    ["unequal lengths", [1], [1, 2], 1, 1, /length/],
    ["nothing at all", [], [], 1, 1, /entries to compare/],
  ])("refuses %s", (_, actual, expected, tolerance, scale, message) => {
    expect(() => assertClose(actual, expected, tolerance, scale)).toThrow(message);
  });
});
