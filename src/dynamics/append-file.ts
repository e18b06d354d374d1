import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";

/** How far a file had come: its length, and a hash of the end of it, by which the file is known again. */
export const markSchema = z.strictObject({ bytes: z.int().nonnegative(), sha256: z.string() });
export type Mark = z.infer<typeof markSchema>;

/** Bytes that the hash of a mark covers: enough for some numbers of a run that no other run has. */
const tailBytes = 4096;

/** A file that only grows, by whole pieces: what could not be written whole is cut off again, so that it always reads to its end. */
export class AppendFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #bytes: number;
  #tail: Buffer;

  private constructor(path: string, handle: FileHandle, bytes: number, tail: Buffer) {
    this.path = path;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#tail = tail;
  }

  /** An empty file in place of whatever is there. @throws {PainnlessError} WRITE_FAILED */
  static async create(path: string): Promise<AppendFile> {
    return new AppendFile(path, await orWriteFailed(path, open(path, "w")), 0, Buffer.alloc(0));
  }

  /** The file as it was at the mark; what was written after that is cut off.
   *  @throws {PainnlessError} BAD_CHECKPOINT if it is not there, is shorter, or has another content there; it is then left as it is */
  static async continueAt(path: string, mark: Mark): Promise<AppendFile> {
    const refuse = (why: string, cause?: unknown): never => {
      throw new PainnlessError("BAD_CHECKPOINT", `${path} ${why}; the run can only go on beside the file that it wrote`, { cause });
    };
    const handle = await open(path, "r+").catch((cause: unknown) => refuse("cannot be opened", cause));
    try {
      const { size } = await handle.stat();
      if (size < mark.bytes) refuse(`has ${size} bytes, but the checkpoint says it had ${mark.bytes}`);
      const tail = Buffer.alloc(Math.min(tailBytes, mark.bytes));
      await handle.read(tail, 0, tail.length, mark.bytes - tail.length);
      if (hashOf(tail) !== mark.sha256) refuse(`does not hold at byte ${mark.bytes} what the checkpoint says it held`);
      await handle.truncate(mark.bytes);
      return new AppendFile(path, handle, mark.bytes, tail);
    } catch (cause) {
      await handle.close();
      throw cause;
    }
  }

  /** Resolves when the system has taken all of it. One call at a time.
   *  @throws {PainnlessError} WRITE_FAILED (no space left, a limit, the device); the file then ends with the piece before */
  async append(text: string): Promise<void> {
    if (text === "") return;
    const bytes = Buffer.from(text);
    try {
      let written = 0;
      while (written < bytes.length)
        written += (await this.#handle.write(bytes, written, bytes.length - written, this.#bytes + written)).bytesWritten;
    } catch (cause) {
      await this.#handle.truncate(this.#bytes);
      throw writeFailed(this.path, cause);
    }
    this.#bytes += bytes.length;
    this.#tail = Buffer.from(Buffer.concat([this.#tail, bytes.subarray(-tailBytes)]).subarray(-tailBytes));
  }

  /** Resolves when the content is on the device. @throws {PainnlessError} WRITE_FAILED */
  async sync(): Promise<void> {
    await orWriteFailed(this.path, this.#handle.datasync());
  }

  get mark(): Mark {
    return { bytes: this.#bytes, sha256: hashOf(this.#tail) };
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The error of a file that the system does not let us write. */
export function writeFailed(path: string, cause: unknown): PainnlessError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PainnlessError("WRITE_FAILED", `cannot write "${path}": ${why}`, { cause });
}

const orWriteFailed = <T>(path: string, promise: Promise<T>): Promise<T> =>
  promise.catch((cause: unknown) => {
    throw writeFailed(path, cause);
  });
