import { rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { defineCommand } from "citty";
import { PainnlessError } from "../errors.ts";
import { keyFile, newKeyPair, publicLine } from "../wire/curve.ts";

/** `painnless keys`: a key pair for one end of a tcp endpoint. */
export const keysCommand = defineCommand({
  meta: { name: "keys", description: "Make the key pair of a server or client, for tcp endpoints" },
  args: {
    file: { type: "positional", required: true, description: "Where the pair goes; its public key goes to FILE.pub" },
  },
  async run({ args }) {
    const pair = newKeyPair();
    await create(args.file, keyFile(pair), 0o600);
    // A key alone would keep the next try from making the pair.
    await create(`${args.file}.pub`, publicLine(pair, basename(args.file)), 0o644).catch(async (cause: unknown) => {
      await rm(args.file);
      throw cause;
    });
    process.stdout.write(`${args.file}\n${args.file}.pub\n`);
  },
});

/** A new file: a key that exists is in use somewhere. @throws {PainnlessError} USAGE if it is there, NOT_FOUND if it cannot be made */
async function create(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST")
      throw new PainnlessError("USAGE", `${path} is there already, and a key is never overwritten; name another file`, { cause });
    throw new PainnlessError("NOT_FOUND", `cannot write ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
