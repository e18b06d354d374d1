import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { arraysOf, messageSchema } from "../../src/wire/messages.ts";
import { predicateOf } from "../../src/wire/predicate.ts";

const contents: Record<string, { message: { kind: string } }> = JSON.parse(
  readFileSync(new URL("../golden/wire/messages.json", import.meta.url), "utf8"),
);

const anything = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -0,
    2 ** 53,
    "",
    "energy",
    true,
    10n,
    [],
    {},
    new Uint8Array(3),
  ),
  fc.integer({ min: -2, max: 70 }),
  fc.double(),
  fc.integer({ min: 0, max: 2 ** 32 }),
  fc.string(),
  fc.array(fc.constantFrom("energy", "forces", "charge", 1, null), { maxLength: 6 }),
);

/** The value, with something in it (or all of it) replaced, removed or added. */
function altered(value: unknown, path: readonly number[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== "object" || value === null || value instanceof Uint8Array) return by;
  if (Array.isArray(value))
    return value.length === 0 ? [by] : value.with(step % value.length, altered(value[step % value.length], rest, by));
  const keys = [...Object.keys(value), "colour"];
  const key = keys[step % keys.length] as string;
  const { [key]: old, ...others } = value as Record<string, unknown>;
  return by === undefined && rest.length === 0 ? others : { ...others, [key]: altered(old, rest, by) };
}

describe("the predicate of a message says what its schema says", () => {
  test.each(Object.keys(contents))("%s, whole and altered", (name) => {
    const { message } = contents[name] as { message: { kind: string } };
    const schema = messageSchema.options.find(({ shape }) => shape.kind.value === message.kind) as z.ZodType;
    const arrays = arraysOf(message.kind as Parameters<typeof arraysOf>[0]).map(({ field, rowBytes }) => [field, new Uint8Array(rowBytes)]);
    const whole = { ...Object.fromEntries(arrays), ...message };
    const accepts = predicateOf(schema);
    expect(accepts(whole)).toBe(true);
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 3 }), anything, (path, by) => {
        const value = altered(whole, path, by);
        expect(accepts(value)).toBe(schema.safeParse(value).success);
      }),
      { numRuns: 300, seed: 6 },
    );
  });
});

// what the predicates tell apart, each at its bounds, and what they leave to zod
const schemas: readonly (readonly [string, z.ZodType])[] = [
  ["bounds, of several the narrowest", z.number().min(0).min(1).max(60).max(10)],
  ["more than", z.number().positive()],
  ["less than", z.number().lt(5)],
  ["a multiple", z.number().multipleOf(3)],
  ["32 bits", z.int32()],
  ["a length", z.string().min(1).max(2)],
  ["a pattern", z.string().regex(/^e/)],
  ["a format", z.email()],
  ["a list of so many", z.array(z.int()).length(2)],
  [
    "a list of few",
    z
      .array(z.enum(["energy", "forces"]))
      .min(1)
      .max(2),
  ],
  ["an object that may have more", z.looseObject({ a: z.int() })],
  ["an object that may have less", z.strictObject({ a: z.int().optional() })],
  ["an object", z.strictObject({ a: z.int(), b: z.null() })],
  ["literals", z.literal([1, "energy"])],
];

test.each(schemas)("%s", (_, schema) => {
  const accepts = predicateOf(schema);
  const values = [anything, fc.record({ a: anything }), fc.record({ a: anything, b: anything }), fc.tuple(anything, anything)];
  fc.assert(
    fc.property(fc.oneof(...values), (value) => {
      expect(accepts(value)).toBe(schema.safeParse(value).success);
    }),
    { numRuns: 400, seed: 7 },
  );
});
