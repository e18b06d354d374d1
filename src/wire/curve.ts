import { type Context, curveKeyPair, Router } from "zeromq";
import { PainnlessError } from "../errors.ts";

/** Keys of CURVE, the encryption of ZeroMQ. A key is 32 bytes, written as 40 characters of Z85. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

export interface ServerCurve {
  readonly pair: KeyPair;
  /** public keys of the clients that may come */
  readonly clients: ReadonlySet<string>;
}

export interface ClientCurve {
  readonly pair: KeyPair;
  readonly serverKey: string;
}

const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const key = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

export const newKeyPair = (): KeyPair => curveKeyPair();

/** The text of a key file: both keys, a line each. */
export const keyFile = ({ publicKey, secretKey }: KeyPair): string => `public ${publicKey}\nsecret ${secretKey}\n`;

/** The line of a public key, as lists of clients hold them. */
export const publicLine = ({ publicKey }: KeyPair, name: string): string => `${publicKey} ${name}\n`;

/** @param source what the text is of, for the error. @throws {PainnlessError} USAGE */
export function parseKeyFile(text: string, source: string): KeyPair {
  const [, publicKey = "", secretKey = ""] = /^public (\S+)\nsecret (\S+)\n$/.exec(text) ?? [];
  if (!key.test(publicKey) || !key.test(secretKey))
    throw new PainnlessError("USAGE", `${source} is not a key pair of painnless keys`, { field: "key" });
  return { publicKey, secretKey };
}

/** The public keys of a list; what follows a key in its line is its name. @throws {PainnlessError} USAGE */
export function parsePublicKeys(text: string, source: string): Set<string> {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const keys = lines.map((line) => line.trim().split(/\s/)[0] ?? "");
  const wrong = keys.findIndex((found) => !key.test(found));
  if (wrong >= 0 || keys.length === 0)
    throw new PainnlessError(
      "USAGE",
      keys.length === 0
        ? `${source} holds no public key, expected one in each line`
        : `${source}: line ${wrong + 1} is not a public key of 40 characters and a name`,
      { field: "clients" },
    );
  return new Set(keys);
}

/** Answers each new connection of the context: only a client whose key is listed comes in (ZeroMQ's protocol 27, ZAP). Bind it before the
 *  socket it guards. @returns how to end it, after that socket */
export async function guardWith(context: Context, clients: ReadonlySet<string>): Promise<() => void> {
  const handler = new Router({ context, linger: 0 });
  await handler.bind("inproc://zeromq.zap.01");
  const answer = async () => {
    for await (const [route, empty, version, sequence, , , , mechanism, publicKey] of handler) {
      const listed = String(mechanism) === "CURVE" && publicKey !== undefined && clients.has(toZ85(publicKey));
      const verdict = listed ? ["200", "OK"] : ["400", "the key is not listed"];
      await handler.send([route ?? "", empty ?? "", version ?? "", sequence ?? "", ...verdict, "", ""]);
    }
  };
  void answer();
  return () => handler.close();
}

function toZ85(bytes: Buffer): string {
  let text = "";
  for (let i = 0; i + 4 <= bytes.length; i += 4) {
    const word = bytes.readUInt32BE(i);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += z85[Math.floor(word / power) % 85];
  }
  return text;
}
