import { PainnlessError } from "../errors.ts";
import type { NativePrecision } from "./native.ts";

export const devices = ["auto", "cpu", "cuda"] as const;
export type Device = (typeof devices)[number];

/** The side that a device and a precision make; "auto" takes what this build has.
 *  @throws {PainnlessError} MISSING where a device was named that cannot work here */
export function nativeSide(device: Device, precision: NativePrecision): `native:cpu:${NativePrecision}` {
  if (device === "cuda")
    throw new PainnlessError("MISSING", `side "native:cuda:${precision}": this build has no CUDA engine; use native:cpu:${precision}`, {
      field: "device",
    });
  return `native:cpu:${precision}`;
}
