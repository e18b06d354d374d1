const superscripts: Readonly<Record<string, string>> = {
  "-": "⁻",
  ...Object.fromEntries([..."0123456789"].map((d, i) => [d, "⁰¹²³⁴⁵⁶⁷⁸⁹"[i]])),
};

export const powerOfTen = (exponent: number): string => `10${[...String(exponent)].map((c) => superscripts[c]).join("")}`;

/** A measured number for people: 3 figures, powers of ten written out. What is not finite is said, never left blank. */
export function formatNumber(value: number | null, digits = 3): string {
  if (value === null || !Number.isFinite(value)) return "NaN";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-2 && size < 1e4) return String(Number(value.toPrecision(digits))).replace("-", "−");
  const [mantissa = "", exponent = ""] = value.toExponential(digits - 1).split("e");
  const power = powerOfTen(Number(exponent));
  return mantissa === "1" || /^1\.0+$/.test(mantissa) ? power : `${mantissa.replace("-", "−")} × ${power}`;
}

/** A unit, or a label that ends in one, as it is printed. */
export const unitText = (unit: string): string => unit.replaceAll("^3", "³");

/** Measured over allowed: 0 where nothing was measured off, null where there is no finite ratio. */
export function ratioOf(value: number | null, tolerance: number): number | null {
  if (value === 0) return 0;
  return value === null || !Number.isFinite(value / tolerance) ? null : Math.abs(value / tolerance);
}

/** All the digits a float64 has. */
export function formatExact(value: number | null): string {
  return value === null || !Number.isFinite(value) ? "NaN" : String(value).replace("-", "−");
}

export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? noun : plural}`;
}

export function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${formatNumber(seconds * 1e3)} ms` : `${formatNumber(seconds)} s`;
}
