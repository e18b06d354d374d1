import { formatNumber, powerOfTen } from "./numbers.ts";

export interface Axis {
  readonly label: string;
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/** An axis that holds all finite values (on a logarithmic one: all positive values), with round ticks. */
export function axisOf(label: string, values: readonly number[], log: boolean, most = 6): Axis {
  const shown = values.filter((x) => Number.isFinite(x) && (!log || x > 0));
  const low = shown.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = shown.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (shown.length === 0) return log ? decadeAxis(label, -1, 1, most) : linearAxis(label, -1, 1, most);
  return log ? decadeAxis(label, Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)), most) : linearAxis(label, low, high, most);
}

/** Logarithmic, from 10^first to 10^last (at least one decade), a label every few decades. */
export function decadeAxis(label: string, first: number, last: number, most = 6): Axis {
  const end = Math.max(last, first + 1);
  const step = Math.ceil((end - first) / most);
  const exponents = Array.from({ length: Math.floor((end - first) / step) + 1 }, (_, i) => first + i * step);
  return { label, low: 10 ** first, high: 10 ** end, log: true, ticks: exponents.map((e) => ({ value: 10 ** e, label: powerOfTen(e) })) };
}

/** Linear, with ticks at multiples of 1, 2 or 5; widened where all values are equal. */
export function linearAxis(label: string, low: number, high: number, most = 6): Axis {
  const width = high - low || Math.abs(high) || 1;
  const margin = high === low ? width / 2 : width * 0.03;
  const [from, to] = [low - margin, high + margin];
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10);
  const start = Math.ceil(from / step);
  const count = Math.max(Math.floor(to / step) - start + 1, 0);
  // Multiples of a round step, printed to the step's own digits, so that 0.1 + 0.2 reads 0.3.
  const values = Array.from({ length: count }, (_, i) => Number(((start + i) * step).toPrecision(12)));
  return { label, low: from, high: to, log: false, ticks: values.map((value) => ({ value, label: tickLabel(value, step) })) };
}

/** As many digits as tell neighbouring ticks apart. */
function tickLabel(value: number, step: number): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(step * 1.000001)));
  if (Math.abs(value) < 1e5 && decimals <= 5) return value.toFixed(decimals).replace("-", "−");
  const digits = value === 0 ? 1 : Math.ceil(Math.log10(Math.abs(value) / step) + 1e-9) + 1;
  return formatNumber(value, Math.min(Math.max(digits, 1), 17));
}

/** Where a value lies on the axis: 0 at its low end, 1 at its high end. */
export function place(axis: Axis, value: number): number {
  return axis.log
    ? (Math.log10(value) - Math.log10(axis.low)) / (Math.log10(axis.high) - Math.log10(axis.low))
    : (value - axis.low) / (axis.high - axis.low);
}
