import { z } from "zod";
import { errorCodes } from "../errors.ts";
import { properties } from "../system/potential.ts";

/** The wire, version 2. A message is a msgpack header (frame 0), which holds its arrays, and one more frame for each array that is large.
 *  Clients send hello, evaluate, dynamics, ping, status, cancel, bye; servers send welcome, result, frame, done, pong, statistics, busy, error, bye.
 *  python/painnless/wire.py mirrors this file; its JSON Schema (wire_schema.json) is generated from here and tests hold the two together. */
export const protocolVersion = 2;

const numberBytes = { f64: 8, i32: 4, u8: 1 } as const;
export type Dtype = keyof typeof numberBytes;

/** How the bytes of arrays are read: rows of `columns` numbers. */
const layouts = z.registry<{ readonly dtype: Dtype; readonly columns: readonly number[] }>();

const mostFrames = 64;
const isPacked = (value: unknown): boolean =>
  value instanceof Uint8Array || (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= mostFrames);

/** Whole rows of an array, row-major and little-endian: its bytes, or the number of the frame that is them. */
const array = <D extends Dtype>(dtype: D, ...columns: readonly number[]) =>
  z.custom<Packed<D>>(isPacked, "expected bytes, or the number of a frame").register(layouts, { dtype, columns });
/** As a message holds an array. `dtype` is for the compiler alone, so that no array is read as what it is not. */
export type Packed<D extends Dtype> = (Uint8Array | number) & { readonly dtype: D };

const uint32 = z.int().min(0).max(0xffffffff);
/** Drawn once by each client; a reply to another epoch is not for it. */
const epoch = uint32;
/** Counted up by the client. Every request gets exactly one result, done, pong, welcome, statistics or error with its id. */
const id = uint32;
const request = { epoch, id };

/** sha256 of a model file */
const modelHash = z.string().nullable();

const hello = z.strictObject({
  kind: z.literal("hello"),
  ...request,
  protocol: z.int().min(1),
  /** the model it has come for; null takes any. A server of another one refuses */
  model: modelHash,
  client: z.string().max(200),
});

const limits = z.strictObject({
  /** atoms in one structure, structures in one request, bytes in one message */
  atoms: z.int().min(1),
  structures: z.int().min(1),
  bytes: z.int().min(1),
  /** requests of one client that may wait, and clients at once; what is beyond is refused with OVERLOADED */
  queue: z.int().min(1),
  clients: z.int().min(1),
});

const welcome = z.strictObject({
  kind: z.literal("welcome"),
  ...request,
  protocol: z.int().min(1),
  /** e.g. "torch:cpu:f64" */
  side: z.string().min(1),
  provides: z.array(z.enum(properties)),
  /** null where no model file is behind it */
  model: modelHash,
  /** atomic numbers it knows; null when it does not say */
  elements: z.array(z.int().min(1).max(118)).nullable(),
  /** Å */
  cutoff: z.number().positive().nullable(),
  periodic: z.boolean(),
  /** does it take dynamics requests */
  dynamics: z.boolean(),
  limits,
  pid: z.int().min(1),
  /** what computes: {"python": "3.11.9", "torch": "2.15.0"} */
  versions: z.record(z.string(), z.string()),
});

const evaluate = z.strictObject({
  kind: z.literal("evaluate"),
  ...request,
  want: z.array(z.enum(properties)).min(1).max(properties.length),
  /** (structures) what to call each in an error */
  names: z.array(z.string()).min(1),
  /** (structures) atoms of each */
  counts: array("i32"),
  /** (atoms) atomic numbers */
  numbers: array("i32"),
  /** (atoms, 3) Å */
  positions: array("f64", 3),
  /** (structures, 3, 3) rows are lattice vectors, Å; zeros where there is no cell */
  cells: array("f64", 3, 3),
  /** (structures, 3) 0 or 1 */
  pbc: array("u8", 3),
});

/** Moves the atoms of one structure, in the engine. Answered by any number of frames, in order, and then done. */
const dynamics = z.strictObject({
  kind: z.literal("dynamics"),
  ...request,
  name: z.string(),
  /** how, with defaults for what is absent: SimulationRequest of src/dynamics/options.ts */
  options: z.record(z.string(), z.unknown()),
  /** (atoms) atomic numbers */
  numbers: array("i32"),
  /** (atoms, 3) Å */
  positions: array("f64", 3),
  /** (1, 3, 3) rows are lattice vectors, Å; zeros where there is no cell */
  cells: array("f64", 3, 3),
  /** (1, 3) 0 or 1 */
  pbc: array("u8", 3),
  /** (replicas * atoms, 3) Å/fs; drawn for the temperature without them */
  velocities: array("f64", 3).nullable(),
});

/** One step of all replicas, replica by replica. */
const frame = z.strictObject({
  kind: z.literal("frame"),
  ...request,
  step: z.number(),
  /** fs */
  time: z.number(),
  /** (replicas) eV: potential energy, everything included and without constants, and kinetic energy */
  energy: array("f64"),
  net: array("f64"),
  kinetic: array("f64"),
  /** (replicas * atoms, 3) Å, not wrapped into the cell; Å/fs; eV/Å */
  positions: array("f64", 3),
  velocities: array("f64", 3),
  forces: array("f64", 3),
});

const done = z.strictObject({
  kind: z.literal("done"),
  ...request,
  /** the last good step */
  step: z.number(),
  /** why it could not go on: Stop of src/dynamics/session.ts; null when all steps were made */
  stop: z.record(z.string(), z.unknown()).nullable(),
  /** of computing, s */
  seconds: z.number().min(0),
});

const result = z.strictObject({
  kind: z.literal("result"),
  ...request,
  /** (structures) eV, everything included */
  energy: array("f64"),
  /** (structures) eV, without constants */
  net: array("f64"),
  /** (atoms, 3) eV/Å */
  forces: array("f64", 3).nullable(),
  /** (rows, 6) Voigt, eV/Å^3: one row for each structure listed in `stressed` */
  stress: array("f64", 6).nullable(),
  stressed: z.array(z.int().min(0)),
  /** (atoms) eV */
  energies: array("f64").nullable(),
});

/** Answered at once, also while others compute. */
const ping = z.strictObject({ kind: z.literal("ping"), ...request });
/** A server may send one unasked, with id 0, to see whether a client is still there. */
const pong = z.strictObject({ kind: z.literal("pong"), ...request });

const status = z.strictObject({ kind: z.literal("status"), ...request });

/** Whole, but not bounded to 32 bits, beyond which a number of JavaScript is a float of msgpack. */
const count = z.number().min(0);
/** ms over the latest answers; null before the first */
const latency = z.strictObject({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() }).nullable();

/** What a server has done since it began. */
const statistics = z.strictObject({
  kind: z.literal("statistics"),
  ...request,
  /** s */
  uptime: z.number().min(0),
  clients: count,
  /** requests taken and not answered yet */
  waiting: count,
  /** requests answered (evaluate by its result, dynamics when it is done), refused by an error, and withdrawn or abandoned by their client */
  answered: count,
  refused: count,
  cancelled: count,
  /** messages that did not follow the protocol */
  malformed: count,
  /** calls of the engine, and the structures and atoms in them */
  batches: count,
  structures: count,
  atoms: count,
  /** of an evaluate request from its arrival to its result, and of the engine within; dynamics lasts as long as it was asked to */
  latency,
  compute: latency,
  /** bytes resident in memory */
  memory: count,
});

/** Still at it: sent several times a second for each request that waits (`ahead` > 0) or is being computed (0). */
const busy = z.strictObject({ kind: z.literal("busy"), ...request, ahead: z.int().min(0) });

/** Withdraws the request with this id, which is then answered by its result or by an error CANCELLED, whichever comes first. */
const cancel = z.strictObject({ kind: z.literal("cancel"), ...request });

const error = z.strictObject({
  kind: z.literal("error"),
  /** null when the message at fault did not say whose it was */
  epoch: epoch.nullable(),
  id: id.nullable(),
  code: z.enum(errorCodes),
  message: z.string(),
  field: z.string().nullable(),
});

/** From a client: it leaves, drop what it asked for. From a server: it stops and answers nothing more. */
const bye = z.strictObject({ kind: z.literal("bye"), epoch });

export const messageSchema = z.discriminatedUnion("kind", [
  hello,
  welcome,
  evaluate,
  result,
  dynamics,
  frame,
  done,
  ping,
  pong,
  status,
  statistics,
  busy,
  cancel,
  error,
  bye,
]);

export type Message = z.infer<typeof messageSchema>;
export type MessageKind = Message["kind"];
export type MessageOf<K extends MessageKind> = Extract<Message, { kind: K }>;

/** An array of a kind of message: whole rows, of so many bytes each. */
export interface ArrayField {
  readonly field: string;
  readonly dtype: Dtype;
  readonly rowBytes: number;
}

const arrayFields = new Map<MessageKind, readonly ArrayField[]>(
  messageSchema.options.map(({ shape }) => [
    shape.kind.value,
    Object.entries(shape).flatMap(([field, schema]) => arrayField(field, schema)),
  ]),
);
export const arraysOf = (kind: MessageKind): readonly ArrayField[] => arrayFields.get(kind) ?? [];

function arrayField(field: string, schema: z.ZodType): ArrayField[] {
  const layout = layouts.get(schema instanceof z.ZodNullable ? (schema.unwrap() as z.ZodType) : schema);
  if (layout === undefined) return [];
  const { dtype, columns } = layout;
  return [{ field, dtype, rowBytes: columns.reduce((product, extent) => product * extent, numberBytes[dtype]) }];
}

/** The schema as python/painnless/wire_schema.json has it. */
export const messageJsonSchema = () =>
  z.toJSONSchema(messageSchema, {
    metadata: layouts,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (layouts.has(zodSchema as unknown as z.ZodType))
        jsonSchema.anyOf = [
          { type: "string", contentEncoding: "base64" },
          { type: "integer", minimum: 1, maximum: mostFrames },
        ];
    },
  });

/** What a server can take and give, as it says in `welcome`. */
export type Welcome = MessageOf<"welcome">;
export type Limits = Welcome["limits"];
export type Statistics = MessageOf<"statistics">;
