import { execFile } from "node:child_process";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { writeH5md } from "../../src/dynamics/h5md.ts";
import { frameText, readFrames } from "../../src/dynamics/trajectory.ts";
import { withBridge } from "../../src/python/bridge.ts";
import { resolvePython } from "../../src/python/environment.ts";
import type { Frame } from "../../src/system/frame.ts";
import { oscillators } from "./oscillators.ts";
import { headOf, inFolder } from "./recorded.ts";

const session = oscillators({ steps: 30, replicas: 2 });
const head = headOf(session);
const frames = session.advance(30).then((stretch) => stretch.frames);

/** What ASE finds in a file, one object a structure. */
async function asAseReads(path: string): Promise<Record<string, unknown>[]> {
  const script = `
import json, sys, ase.io
from ase.units import fs
print(json.dumps([{
    "numbers": a.numbers.tolist(), "positions": a.positions.tolist(), "velocities": (a.get_velocities() * fs).tolist(), "forces": a.get_forces().tolist(),
    "energy": a.get_potential_energy(), "kinetic": a.get_kinetic_energy(), "cell": a.cell.array.tolist(), "pbc": a.pbc.tolist(),
    "info": {k: v.item() if hasattr(v, "item") else v for k, v in a.info.items()}} for a in ase.io.read(sys.argv[1], ":")]))`;
  const { executable } = await resolvePython();
  const { stdout } = await promisify(execFile)(executable, ["-c", script, path], { maxBuffer: 1e8 });
  return JSON.parse(stdout);
}

function expectClose(found: unknown, expected: ArrayLike<number>, what: string): void {
  const numbers = (found as number[][]).flat();
  expect(numbers.length, what).toBe(expected.length);
  numbers.forEach((x, k) => {
    if (!(Math.abs(x - (expected[k] as number)) <= 1e-15 * Math.max(1, Math.abs(x))))
      expect.fail(`${what}[${k}] is ${x}, expected ${expected[k]}`);
  });
}

async function expectFrames(structures: Record<string, unknown>[]): Promise<void> {
  const all = await frames;
  expect(structures.length).toBe(2 * all.length);
  structures.forEach((found, index) => {
    const [r, frame] = [index % 2, all[Math.floor(index / 2)] as Frame];
    const part = (array: Float64Array) => array.subarray(6 * r, 6 * r + 6);
    expect(found).toMatchObject({
      numbers: [6, 8],
      pbc: [true, false, true],
      cell: [
        [5, 0, 0],
        [0, 6, 0],
        [0, 0.5, 7],
      ],
    });
    expectClose(found.positions, part(frame.positions), "positions");
    expectClose(found.velocities, part(frame.velocities), "velocities");
    expectClose(found.forces, part(frame.forces), "forces");
    expect(found.energy).toBe((frame.potential[r] as number) + head.energyOffset);
    expect(found.info).toMatchObject({
      step: frame.step,
      time: frame.time,
      replica: r,
      name: "two _atoms_",
      net_energy: frame.potential[r],
    });
  });
}

test("ASE reads the frames: positions, velocities, forces, energies, cell, periodicity, step, time, replica", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/run.xyz`;
    await writeFile(path, (await frames).map((frame) => frameText(head, frame)).join(""));
    await expectFrames(await asAseReads(path));
  });
});

test("the same as an ASE trajectory", async () => {
  await inFolder(async (folder) => {
    await writeFile(`${folder}/run.xyz`, (await frames).map((frame) => frameText(head, frame)).join(""));
    await withBridge(await resolvePython(), async (bridge) => {
      await bridge.convertTrajectory(`${folder}/run.xyz`, `${folder}/run.traj`);
      await expect(bridge.convertTrajectory(`${folder}/none.xyz`, `${folder}/x.traj`)).rejects.toMatchObject({ code: "NOT_FOUND" });
      await writeFile(`${folder}/half.xyz`, (await readFile(`${folder}/run.xyz`, "utf8")).slice(0, -20));
      await expect(bridge.convertTrajectory(`${folder}/half.xyz`, `${folder}/x.traj`)).rejects.toMatchObject({ code: "BAD_STRUCTURE" });
      await symlink("/dev/full", `${folder}/full.traj.tmp`);
      await expect(bridge.convertTrajectory(`${folder}/run.xyz`, `${folder}/full.traj`)).rejects.toMatchObject({
        ...{ code: "WRITE_FAILED", message: expect.stringMatching(/No space left/) },
      });
    });
    await expectFrames(await asAseReads(`${folder}/run.traj`));
    expect((await readdir(folder)).sort()).toEqual(["half.xyz", "run.traj", "run.xyz"]);
  });
});

test("the same as H5MD 1.1", async () => {
  await inFolder(async (folder) => {
    await writeFile(`${folder}/run.xyz`, (await frames).map((frame) => frameText(head, frame)).join(""));
    await writeH5md(`${folder}/run.h5`, head, readFrames(`${folder}/run.xyz`, head), "1.2.3");
    expect((await readdir(folder)).sort()).toEqual(["run.h5", "run.xyz"]);
    const { Dataset, File, Group } = await import("h5wasm/node");
    const file = new File(`${folder}/run.h5`, "r");
    const at = (path: string) => {
      const found = file.get(path);
      return found instanceof Dataset ? found : expect.fail(`no dataset ${path}`);
    };
    const group = (path: string) => {
      const found = file.get(path);
      return found instanceof Group ? found : expect.fail(`no group ${path}`);
    };
    const all = await frames;
    expect(group("h5md").attrs.version?.value).toEqual(Int32Array.of(1, 1));
    for (let r = 0; r < 2; r++) {
      const [atoms, observables] = [`particles/replica${r}`, `observables/replica${r}`];
      const of = (name: "positions" | "velocities") => all.flatMap((frame) => [...frame[name].subarray(6 * r, 6 * r + 6)]);
      expect(at(`${atoms}/position/value`).shape).toEqual([all.length, 2, 3]);
      expectClose([[...(at(`${atoms}/position/value`).value as Float64Array)]], of("positions"), "positions");
      expectClose([[...(at(`${atoms}/velocity/value`).value as Float64Array)]], of("velocities"), "velocities");
      expect(at(`${atoms}/velocity/value`).attrs.unit?.value).toBe("Angstrom fs-1");
      expect(at(`${atoms}/box/edges/value`).shape).toEqual([all.length, 3, 3]);
      expect(group(`${atoms}/box`).attrs.boundary?.value).toEqual(["periodic", "none", "periodic"]);
      expect(at(`${atoms}/species`).value).toEqual(Int32Array.of(6, 8));
      expect(at(`${observables}/kinetic_energy/value`).value).toEqual(Float64Array.from(all, ({ kinetic }) => kinetic[r] as number));
      for (const element of [`${atoms}/position`, `${atoms}/force`, `${observables}/potential_energy`]) {
        expect(at(`${element}/step`).value).toEqual(BigInt64Array.from(all, ({ step }) => BigInt(step)));
        expect(at(`${element}/time`).value).toEqual(Float64Array.from(all, ({ time }) => time));
      }
    }
    file.close();
  });
});

test("an H5MD file that the disk does not take is an error, and nothing of it stays", async () => {
  await inFolder(async (folder) => {
    await symlink("/dev/full", `${folder}/run.h5.tmp`);
    const given = await frames;
    async function* again() {
      yield* given;
    }
    await expect(writeH5md(`${folder}/run.h5`, head, again(), "1.2.3")).rejects.toMatchObject({ code: "WRITE_FAILED" });
    expect(await readdir(folder)).toEqual([]);
  });
});
