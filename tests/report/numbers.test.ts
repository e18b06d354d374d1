import { expect, test } from "vitest";
import { escapeText, markup, scriptJson } from "../../src/report/markup.ts";
import { formatExact, formatNumber, ratioOf } from "../../src/report/numbers.ts";
import { axisOf, decadeAxis, linearAxis, place } from "../../src/report/scale.ts";

test.each([
  [0, "0"],
  [null, "NaN"],
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "NaN"],
  [1e-10, "10⁻¹⁰"],
  [-8.88e-15, "−8.88 × 10⁻¹⁵"],
  [0.165432, "0.165"],
  [2.6e9, "2.60 × 10⁹"],
  [-1.5, "−1.5"],
])("%s reads %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
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
