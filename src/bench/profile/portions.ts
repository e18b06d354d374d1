import { z } from "zod";
import type { CudaPortion } from "../../engine/native.ts";

/** beginning and end, µs since the set was begun */
const span = z.tuple([z.number(), z.number()]);
type Span = z.infer<typeof span>;

/** How much there is of something, µs, and the share of it that went on while kernels of any portion ran. */
const work = z.strictObject({ micros: z.number(), hidden: z.number() });

/** A set that goes in portions: what was done when, and what of it cost no time. */
export const portionsSchema = z.strictObject({
  /** from the first request to the last answer */
  micros: z.number(),
  kernels: z.number(),
  /** to the card and from it; writing requests and reading answers */
  copies: work,
  host: work,
  rows: z.array(
    z.strictObject({ structures: z.int(), atoms: z.int(), written: span, request: span, kernels: span, answer: span, read: span }),
  ),
});
export type PortionsResult = z.infer<typeof portionsSchema>;

const length = ([begin, end]: Span) => end - begin;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Kernels of portions follow each other, so what they share with a span adds up. */
const during = (one: Span, kernels: readonly Span[]) =>
  sum(kernels.map(([begin, end]) => Math.max(0, Math.min(end, one[1]) - Math.max(begin, one[0]))));

/** Null for a set that goes in one. */
export function overlapOf(portions: readonly CudaPortion[]): PortionsResult | null {
  const [first] = portions;
  if (first === undefined) return null;
  const origin = first.written[0] ?? Number.NaN;
  const micros = ([begin = Number.NaN, end = Number.NaN]: Float64Array): Span => [1e6 * (begin - origin), 1e6 * (end - origin)];
  const rows = portions.map(({ structures, atoms, written, request, kernels, answer, read }) => ({
    ...{ structures, atoms, written: micros(written), request: micros(request) },
    ...{ kernels: micros(kernels), answer: micros(answer), read: micros(read) },
  }));
  const kernels = rows.map((row) => row.kernels);
  const hidden = (spans: readonly Span[]) => {
    const all = sum(spans.map(length));
    return { micros: all, hidden: sum(spans.map((one) => during(one, kernels))) / all };
  };
  return {
    micros: rows.at(-1)?.read[1] as number,
    kernels: sum(kernels.map(length)),
    copies: hidden(rows.flatMap(({ request, answer }) => [request, answer])),
    host: hidden(rows.flatMap(({ written, read }) => [written, read])),
    rows,
  };
}
