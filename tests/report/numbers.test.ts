import { expect, test } from "vitest";
import { escapeText, markup, scriptJson } from "../../src/report/markup.ts";
import { formatEstimate, formatExact, formatNumber, prose, ratioOf } from "../../src/report/numbers.ts";
import { axisOf, decadeAxis, linearAxis, place } from "../../src/report/scale.ts";

test.each([
  [0, "0"],
  [null, "NaN"],
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "NaN"],
  [1e-10, "10⁻¹⁰"],
  [-8.88e-15, "−8.88\u00a0×\u00a010⁻¹⁵"],
  [0.165432, "0.165"],
  [2.6e9, "2.60\u00a0×\u00a010⁹"],
  [-1.5, "−1.5"],
])("%s reads %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  [{ value: 0.00213, low: -0.00217, high: 0.00643 }, "0.0021 (−0.0022 to 0.0064)"],
  [{ value: 41.73, low: 37.8, high: 45.61 }, "41.7 (37.8 to 45.6)"],
  [{ value: 412, low: 100, high: 900 }, "412 (100 to 900)"],
  [{ value: -0.00004, low: -0.02, high: 0.02 }, "0.000 (−0.020 to 0.020)"],
  [{ value: 2e-6, low: -2.2e-6, high: 6.4e-6 }, "2.0\u00a0×\u00a010⁻⁶ (−2.2\u00a0×\u00a010⁻⁶ to 6.4\u00a0×\u00a010⁻⁶)"],
  [{ value: 0, low: 0, high: 0 }, "0 (0 to 0)"],
  [{ value: 1.5, low: null, high: null }, "1.5"],
  [{ value: null, low: null, high: null }, "NaN"],
  [{ value: 1.5, low: null, high: 3 }, "1.5 (NaN to 3)"],
])("the estimate %o reads %s", (estimate, text) => {
  expect(formatEstimate(estimate)).toBe(text);
});

test("numbers in sentences are written out, names are left alone", () => {
  expect(prose("off by 1.04e-10 eV/Å (allowed ±1e-6), 3.1e−11.")).toBe(
    "off by 1.04\u00a0×\u00a010⁻¹⁰ eV/Å (allowed ±10⁻⁶), 3.1\u00a0×\u00a010⁻¹¹.",
  );
  expect(prose("run 9e4f of 1e5.xyz, x1e-3")).toBe("run 9e4f of 1e5.xyz, x1e-3");
});

test("the exact value keeps every digit", () => {
  expect(formatExact(-0.5154352220440003)).toBe("−0.5154352220440003");
});

test.each([
  [0, 0, 0],
  [1e-15, 0, null],
  [null, 1, null],
  [2, 1, 2],
])("%s of %s allowed is %s", (value, tolerance, ratio) => {
  expect(ratioOf(value, tolerance)).toBe(ratio);
});

test("interpolated text is escaped, markup is not", () => {
  expect(markup`<b>${`<"&'>`}${markup`<i>${"\u202e"}</i>`}${[markup`<br>`, null, 3]}</b>`.text).toBe(
    "<b>&lt;&quot;&amp;&#39;&gt;<i>\\u202e</i><br>3</b>",
  );
  expect(escapeText("a\u0000b\u2028")).toBe("a\\u0000b\\u2028");
});

test("embedded JSON cannot end its element and reads back", () => {
  const data = { name: "</script><!--\u2028&" };
  const { text } = scriptJson(data);
  expect(text).not.toMatch(/[<>&\u2028]/);
  expect(JSON.parse(text)).toEqual(data);
});

test("axes hold their values and have ticks inside", () => {
  for (const values of [[0.3, 0.1, 0.2], [5, 5], [0], [], [-4210.13, -4210.1299], [1e-17, -1e-17]]) {
    const axis = axisOf("", values, false);
    for (const value of values) expect(place(axis, value)).toSatisfy((x: number) => x >= 0 && x <= 1);
    expect(axis.ticks.length).toBeGreaterThan(0);
    expect(new Set(axis.ticks.map((tick) => tick.label)).size).toBe(axis.ticks.length);
    for (const tick of axis.ticks) expect(place(axis, tick.value)).toSatisfy((x: number) => x >= -1e-9 && x <= 1 + 1e-9);
  }
  expect(linearAxis("", 0, 0.3, 4).ticks.map((tick) => tick.label)).toEqual(["0.0", "0.1", "0.2", "0.3"]);
  expect(axisOf("", [1e-9, 0, 3e-3], true).low).toBe(1e-9);
  expect(decadeAxis("", -10, -1, 3).ticks.map((tick) => tick.label)).toEqual(["10⁻¹⁰", "10⁻⁷", "10⁻⁴", "10⁻¹"]);
});
