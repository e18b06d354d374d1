import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { constraints, requirements } from "../../scripts/setup/python-requirements.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("every package python/pyproject.toml asks for is pinned in python/constraints.txt", () => {
  const namesOn = (platform: string) => requirements(root, "tests", platform).map((requirement) => requirement.split(/[>=]/)[0]);
  const names = namesOn("linux");
  expect(names).toContain("torch");
  expect(names.filter((name) => !namesOn("darwin").includes(name))).toEqual(["nvidia-cuda-nvrtc-cu12"]); // which has no wheel there
  expect([...constraints(root).keys()].sort()).toEqual(names.sort());
});
