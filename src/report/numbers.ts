const superscripts: Readonly<Record<string, string>> = {
  "-": "⁻",
  ...Object.fromEntries([..."0123456789"].map((d, i) => [d, "⁰¹²³⁴⁵⁶⁷⁸⁹"[i]])),
};

export const powerOfTen = (exponent: number): string => `10${[...String(exponent)].map((c) => superscripts[c]).join("")}`;

/** A measured number for people: 3 figures, powers of ten written out below `plainFrom`. What is not finite is said, never left blank. */
export function formatNumber(value: number | null, digits = 3, plainFrom = 1e-2): string {
  if (value === null || !Number.isFinite(value)) return "NaN";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= plainFrom && size < 1e4) return String(Number(value.toPrecision(digits))).replace("-", "−");
  const [mantissa = "", exponent = ""] = value.toExponential(digits - 1).split("e");
  const power = powerOfTen(Number(exponent));
  return mantissa === "1" || /^1\.0+$/.test(mantissa) ? power : `${mantissa.replace("-", "−")}\u00a0×\u00a0${power}`;
}

/** A sentence made elsewhere, its numbers such as 1.04e-10 written as they are here. */
export const prose = (text: string): string =>
  text.replace(/(?<=^|[\s(±−-])(\d+(?:\.\d+)?)e([+\-−]?\d+)(?=[\s,;:)]|\.?$|\.\s)/g, (_, mantissa, exponent) => {
    const power = powerOfTen(Number(exponent.replace("−", "-")));
    return Number(mantissa) === 1 ? power : `${mantissa}\u00a0×\u00a0${power}`;
  });

/** The same as a sentence of its own. */
export const sentence = (text: string): string =>
  prose(text)
    .replace(/^[a-z]/, (c) => c.toUpperCase())
    .replace(/([^.!?])$/, "$1.");

/** A unit, or a label that ends in one, as it is printed. */
export const unitText = (unit: string): string => unit.replaceAll("^3", "³").replaceAll(" - ", " − ");

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

interface Interval {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** The figures of an interval, each to the second digit of its half-width: more would be noise. */
function intervalParts({ value, low, high }: Interval): [string, string, string] {
  const known = [value, low, high].filter((x) => x !== null && Number.isFinite(x)) as number[];
  const half = low === null || high === null ? 0 : Math.abs(high - low) / 2;
  const decimals = half > 0 ? 1 - Math.floor(Math.log10(half)) : Number.NaN;
  const largest = Math.max(...known.map(Math.abs), 0);
  const write = (x: number | null) => {
    if (x === null || !Number.isFinite(x)) return "NaN";
    return decimals <= 5 && largest < 1e6
      ? x
          .toFixed(Math.max(decimals, 0))
          .replace(/^-(?=[0.]*$)/, "")
          .replace("-", "−")
      : formatNumber(x, half > 0 ? 2 : 3);
  };
  return [write(value), write(low), write(high)];
}

/** "0.0031 (−0.0040 to 0.0102)" */
export function formatEstimate(estimate: Interval): string {
  const [value, low, high] = intervalParts(estimate);
  return estimate.low === null && estimate.high === null ? value : `${value} (${low} to ${high})`;
}

/** The figure of an estimate alone, with as many digits as its interval allows. */
export const formatEstimateValue = (estimate: Interval): string => intervalParts(estimate)[0];
