import { readdir, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, readCheckpoint, writeCheckpoint } from "../../src/dynamics/checkpoint.ts";
import type { PainnlessError } from "../../src/errors.ts";
import { oscillators } from "./oscillators.ts";
import { identityOf, inFolder } from "./recorded.ts";

const session = oscillators({ steps: 5 });
const checkpoint: Checkpoint = {
  format: "painnless.checkpoint/1",
  ...identityOf(session),
  log: { path: "run.log", mark: { bytes: 3, sha256: "ab" } },
  trajectory: null,
  stop: null,
  seconds: 0.1 + 0.2,
  rebuilds: null,
  state: { ...session.state(), positions: Float64Array.of(-0, Number.MIN_VALUE, 1 / 3, -1e308, 0.1, 2 ** -1074) },
};
const text = encodeCheckpoint(checkpoint);

const fault = (damaged: string): PainnlessError => {
  try {
    decodeCheckpoint("x.checkpoint", damaged);
  } catch (error) {
    return error as PainnlessError;
  }
  return expect.fail(`a damaged checkpoint was read: ${damaged.length} of ${text.length} characters`);
};

test("a checkpoint reads back bit for bit, the sign of zero included", () => {
  const read = decodeCheckpoint("x", text);
  expect(read).toEqual(checkpoint);
  expect(Object.is(read.state.positions[0], -0)).toBe(true);
});

test("cut at any byte, it is refused by name", () => {
  for (let length = 0; length < text.length; length++) {
    const { code, message } = fault(text.slice(0, length));
    if (code !== "BAD_CHECKPOINT" || !/^x\.checkpoint is (no checkpoint|damaged: )/.test(message))
      expect.fail(`cut at ${length}: ${code}: ${message}`);
  }
});

test("a changed byte, a missing one and one too many are refused", () => {
  for (let at = 0; at < text.length; at++)
    for (const put of ["", "0", "x", "xx"]) {
      const damaged = text.slice(0, at) + put + text.slice(at + 1);
      if (damaged !== text && fault(damaged).code !== "BAD_CHECKPOINT") expect.fail(`"${put}" at ${at}`);
    }
  expect(fault(`${text} `).code).toBe("BAD_CHECKPOINT");
});

test("one of another version is refused by the field that differs", () => {
  const other = { ...checkpoint, options: { ...checkpoint.options, timestep: -1 } };
  expect(fault(encodeCheckpoint(checkpoint).replace(/^/, " ")).message).toMatch(/is no checkpoint/);
  expect(() => encodeCheckpoint(other)).toThrow(/timestep/);
});

test("the old one stays where the new one cannot be written, and nothing else is left", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/run.checkpoint`;
    await writeCheckpoint(path, checkpoint);
    const before = await readFile(path, "utf8");
    await symlink("/dev/full", `${path}.tmp`);
    await expect(writeCheckpoint(path, { ...checkpoint, seconds: 2 })).rejects.toMatchObject({
      code: "WRITE_FAILED",
      message: expect.stringMatching(/run\.checkpoint": ENOSPC: no space left/),
    });
    expect(await readFile(path, "utf8")).toBe(before);
    expect(await readdir(folder)).toEqual(["run.checkpoint"]);
  });
});

test("what a kill left of a checkpoint being written does not stand in the way of the next", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/run.checkpoint`;
    await writeFile(`${path}.tmp`, text.slice(0, 100));
    await writeCheckpoint(path, checkpoint);
    expect(await readdir(folder)).toEqual(["run.checkpoint"]);
    await truncate(path, 100);
    await expect(readCheckpoint(path)).rejects.toMatchObject({ code: "BAD_CHECKPOINT", message: expect.stringContaining(path) });
    await expect(readCheckpoint(`${folder}/none`)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
