import { readFile } from "node:fs/promises";
import { PainnlessError } from "../errors.ts";
import { type ClientCurve, parseKeyFile, parsePublicKeys } from "./curve.ts";

/** Where a server is, and the keys to reach it; null where none are needed. */
export interface Destination {
  readonly endpoint: string;
  readonly curve: ClientCurve | null;
}

const expected = "expected ipc://PATH or tcp://HOST:PORT?key=FILE&server=FILE";
const bad = (endpoint: string, why: string) => new PainnlessError("UNSUPPORTED", `endpoint ${endpoint}: ${why}`, { field: "endpoint" });

/** What an endpoint says: ipc://PATH, or tcp://HOST:PORT?key=FILE&server=FILE with the client's key pair and the server's public key.
 *  @throws {PainnlessError} UNSUPPORTED for another form, tcp without keys included; NOT_FOUND or USAGE for the files */
export async function readDestination(endpoint: string): Promise<Destination> {
  if (endpoint.startsWith("ipc://")) return { endpoint, curve: null };
  if (!endpoint.startsWith("tcp://")) throw bad(endpoint, expected);
  const [address = "", query = ""] = endpoint.split("?", 2);
  const parameters = new URLSearchParams(query);
  const [pair, server] = [parameters.get("key"), parameters.get("server")];
  if (pair === null || server === null || parameters.size !== 2) throw bad(endpoint, `there is no plaintext TCP; ${expected}`);
  const [serverKey, ...more] = parsePublicKeys(await readKey(server), server);
  if (serverKey === undefined || more.length > 0)
    throw new PainnlessError("USAGE", `${server} holds ${1 + more.length} public keys, expected the server's alone`, { field: "endpoint" });
  return { endpoint: address, curve: { pair: parseKeyFile(await readKey(pair), pair), serverKey } };
}

/** @throws {PainnlessError} NOT_FOUND */
export async function readKey(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new PainnlessError("NOT_FOUND", `cannot read key file ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
