import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridge, withBridge } from "../../src/python/bridge.ts";
import { type PythonEnvironment, requirePackage, resolvePython } from "../../src/python/environment.ts";
import { openPythonia } from "../../src/python/pythonia.ts";
import { isAlive, within } from "./served.ts";

let python: PythonEnvironment;
const folder = mkdtempSync(join(tmpdir(), "painnless-bridge-"));
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  python = await resolvePython();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("which Python", () => {
  test("the project's own, with what is in it", async () => {
    const found = await resolvePython({});
    expect(found.origin).toBe(".venv");
    expect(found.packages.numpy).toMatch(/^\d+\./);
    expect(requirePackage(found, "ase", "a test")).toBe(found.packages.ase);
  });

  test.each([
    ["one that is not there", "/nowhere/python", /\/nowhere\/python .*is not there/],
    ["a file that cannot run", "package.json", /did not run|not there/],
    ["another program", process.execPath, /did not run|does not answer/],
    ["a name that is not on the path", "no-such-python", /did not run/],
  ])("%s is refused with the remedy", async (_, name, expected) => {
    await expect(resolvePython({ PAINNLESS_PYTHON: name })).rejects.toMatchObject({
      code: "MISSING",
      message: expect.stringMatching(expected),
    });
  });
});

test("structures come and go through ASE, and faults have names", async () => {
  writeFileSync(path("three.xyz"), [1, 2, 3].map((k) => `2\nframe ${k}\nO 0 0 0\nH 0 0 0.${k}\n`).join(""));
  writeFileSync(path("broken.xyz"), "2\n\nO 0 0\n");
  const environment = { ...process.env };
  await withBridge(python, async (bridge) => {
    const [ethanol, carbon] = await bridge.readStructures(["name:CH3CH2OH", "name:C"]);
    expect(ethanol).toMatchObject({ name: "CH3CH2OH", cell: null, pbc: [false, false, false] });
    expect(ethanol?.numbers).toEqual([6, 6, 8, 1, 1, 1, 1, 1, 1]);
    expect(carbon).toMatchObject({ numbers: [6], positions: Float64Array.of(0, 0, 0) });

    const frames = await bridge.readStructures([path("three.xyz")]);
    expect(frames.map((frame) => [frame.name, frame.positions[5]])).toEqual([
      ["three.xyz@0", 0.1],
      ["three.xyz@1", 0.2],
      ["three.xyz@2", 0.3],
    ]);
    const some = await bridge.readStructures([`${path("three.xyz")}@1:`, `${path("three.xyz")}@-1`]);
    expect(some.map((frame) => frame.name)).toEqual(["three.xyz@1", "three.xyz@2", "three.xyz@2"]);

    for (const name of ["a@b.xyz", "a@0"]) {
      copyFileSync(path("three.xyz"), path(name));
      expect((await bridge.readStructures([path(name)])).map((frame) => frame.positions[5])).toEqual([0.1, 0.2, 0.3]);
      expect((await bridge.readStructures([`${path(name)}@1`])).map((frame) => frame.positions[5])).toEqual([0.2]);
    }
    await bridge.convertTrajectory(path("a@b.xyz"), path("a@b.traj"));
    expect(await bridge.readStructures([path("a@b.traj")])).toHaveLength(3);

    const cell = Float64Array.of(4, 0, 0, 1, 4, 0, 0, 0, 9);
    const box = {
      name: "box",
      numbers: [8, 1],
      positions: Float64Array.of(0.125, 0, 0, 0, 0, 1),
      cell,
      pbc: [true, true, false] as [boolean, boolean, boolean],
    };
    const forces = Float64Array.of(1, 2, 3, 4, 5, 6);
    await bridge.writeStructures(path("box.traj"), [box], [{ energy: -3, netEnergy: -3, forces, stress: null, energies: null }]);
    expect(await bridge.readStructures([path("box.traj")])).toEqual([{ ...box, name: "box.traj" }]);

    await expectFault(bridge.readStructures(["name:Unobtainium"]), "NOT_FOUND", "Unobtainium");
    await expectFault(bridge.readStructures([path("none.xyz")]), "NOT_FOUND", "none.xyz");
    await expectFault(bridge.readStructures([path("broken.xyz")]), "BAD_STRUCTURE", "broken.xyz");
    await expectFault(bridge.readStructures([`${path("three.xyz")}@7`]), "USAGE", "structures 0 to 2");
    await expectFault(bridge.readStructures([`${path("three.xyz")}@a:b`]), "USAGE", "a:b");
    await expectFault(bridge.writeStructures(path("box.nonsense"), [box]), "USAGE", "nonsense");
    await expectFault(bridge.importCheckpoint(path("broken.xyz"), path("m"), null), /BAD_MODEL|UNSUPPORTED/, "broken.xyz");
    await expectFault(bridge.importCheckpoint(path("none"), path("m"), null), "NOT_FOUND", "none");
    await expectFault(bridge.importCheckpoint(path("broken.xyz"), path("m"), "furlong"), "USAGE", "furlong");
  });
  expect(process.env).toEqual(environment);
  expect(readFileSync(path("box.traj")).byteLength).toBeGreaterThan(0);
});

test("what is to be moved has no constraints and no masses of its own", async () => {
  const one = (properties: string, rest: string) => `1\nProperties=species:S:1:pos:R:3:${properties}\nH 0 0 0 ${rest}\n`;
  writeFileSync(path("fixed.xyz"), one("move_mask:L:1", "F"));
  writeFileSync(path("deuterium.xyz"), one("masses:R:1", "2.014"));
  writeFileSync(path("rounded.xyz"), one("masses:R:1", "1.00"));
  writeFileSync(path("free.xyz"), one("move_mask:L:1", "T")); // ASE attaches a FixAtoms that holds none
  writeFileSync(path("freer.xyz"), one("move_mask:L:3", "T T T"));
  await withBridge(python, async (bridge) => {
    await expectFault(bridge.readStructures([path("fixed.xyz")], { moved: true }), "UNSUPPORTED", "has constraints (FixAtoms)");
    await expectFault(
      bridge.readStructures([path("deuterium.xyz")], { moved: true }),
      "UNSUPPORTED",
      "atom 0 (H) is 2.014 u, expected 1.008 u",
    );
    const free = ["rounded.xyz", "free.xyz", "freer.xyz"].map(path);
    expect(await bridge.readStructures([...free, "name:CH4"], { moved: true })).toHaveLength(4);
    expect(await bridge.readStructures([path("fixed.xyz"), path("deuterium.xyz")])).toHaveLength(2);
  });
});

async function expectFault(call: Promise<unknown>, code: string | RegExp, part: string): Promise<void> {
  await expect(call).rejects.toMatchObject({ code: expect.stringMatching(code), message: expect.stringContaining(part) });
}

test("a Python that dies during a call: WORKER_DIED at once; a call past its deadline: TIMEOUT, and its Python is ended", async () => {
  let pid = 0;
  const use = (work: (bridge: Bridge) => Promise<unknown>) =>
    withBridge(python, async (bridge) => {
      pid = currentPid();
      await work(bridge);
    });
  // An import needs neither ase nor torch, so that only the bridge is waited for.
  const convert = (bridge: Bridge, options = {}) => bridge.importCheckpoint(path("none"), path("m"), null, options);

  const died = use((bridge) => {
    const call = convert(bridge);
    process.kill(pid, "SIGKILL");
    return call;
  });
  await expect(died).rejects.toMatchObject({ code: "WORKER_DIED", message: expect.stringContaining("SIGKILL") });

  await expect(use((bridge) => convert(bridge, { deadlineMs: 1 }))).rejects.toMatchObject({ code: "TIMEOUT" });
  expect(await within(2_000, () => !isAlive(pid))).toBe(true);

  await use((bridge) => expectFault(convert(bridge), "NOT_FOUND", "none"));
  expect(await within(2_000, () => !isAlive(pid))).toBe(true);
});

/** The process that pythonia holds now. */
function currentPid(): number {
  const { child } = openPythonia(python);
  if (child.pid === undefined) throw new Error("pythonia has no process");
  return child.pid;
}
