import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { violations } from "./imports/arrows.ts";
import { cppIncludes, pythonImports, typescriptImports } from "./imports/read.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Sources below a folder, by path from the repository's root. */
function sources(folder: string, ending: RegExp): Map<string, string> {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return new Map(
    names.filter((name) => ending.test(name)).map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), "utf8")]),
  );
}

describe("imports point one way (architecture.md, section 4)", () => {
  test.each([
    ["src", /\.ts$/, (text: string) => typescriptImports(text)],
    ["native", /\.(cpp|h|cuh?)$/, (text: string) => cppIncludes(text)],
    ["python/painnless", /\.py$/, (text: string) => pythonImports(text, "painnless.x", false)],
  ] as const)("%s", (folder, ending, read) => {
    const files = sources(folder, ending);
    expect(files.size).toBeGreaterThan(5);
    expect([...files.values()].flatMap(read).length).toBeGreaterThan(files.size / 2);
    expect(violations(files)).toEqual([]);
  });
});

// [file, its text, what is said of it; null where it is in order]
const planted: readonly (readonly [string, string, string | null])[] = [
  ["src/engine/a.ts", 'import { x } from "../wire/client.ts";', "engine may not import wire"],
  ["src/wire/a.ts", 'import { x } from "../python/bridge.ts";', "wire may not import python"],
  ["src/python/a.ts", 'import {\n  x,\n  y,\n} from "../engine/device.ts";', "python may not import engine"],
  ["src/python/a.ts", 'const a = await import("../wire/codec.ts");', "python may not import wire"],
  ["src/crosscheck/a.ts", 'import type { E } from "../engine/native.ts";', "crosscheck may not import engine"],
  ["src/crosscheck/a.ts", 'type E = import("../engine/native.ts").E;', "crosscheck may not import engine"],
  ["src/dynamics/a.ts", 'export * from "../python/worker.ts";', "dynamics may not import python"],
  ["src/dynamics/a.ts", 'export { x } from "../crosscheck/compare.ts";', "dynamics may not import crosscheck"],
  ["src/report/a.ts", 'import "../bench/suites.ts";', "report may not import bench"],
  ["src/system/a.ts", 'import { x } from "../model/config.ts";', "system may not import model"],
  ["src/errors.ts", 'import { x } from "./system/structure.ts";', "errors may not import system"],
  ["src/model/a.ts", 'import { x } from "../cli/sides.ts";', "model may not import cli"],
  ["src/model/a.ts", 'import { x } from "../index.ts";', "model may not import index"],
  ["src/model/deep/a.ts", 'import { x } from "../../engine/engine.ts";', "model may not import engine"],
  ["src/cli/evaluate.ts", 'import { Engine } from "../engine/engine.ts";', "only cli/sides.ts"],
  ["src/bench/a.ts", 'import { connect } from "../wire/client.ts";', "only cli/sides.ts"],
  ["src/cli/a.ts", 'import { x } from "../../native/x.ts";', "outside src/"],
  ["src/cli/a.ts", 'import { x } from "painnless";', "the package itself"],
  ["src/wire/a.ts", "const a = await import(name);", "computed path"],
  ["src/utils/a.ts", "", 'no room "utils"'],
  ["src/cli/sides.ts", 'import { Engine } from "../engine/engine.ts";', null],
  ["src/cli/a.ts", 'import type { Engine } from "../engine/engine.ts";', null],
  ["src/engine/a.ts", '// import { x } from "../wire/client.ts";\n/* import "../python/a.ts" */', null],
  ["src/engine/a.ts", 'const glob = "a/*"; import { x } from "../wire/client.ts"; const end = "*/";', "engine may not import wire"],
  ["native/model.cpp", "#include <napi.h>", "only addon.cpp and addon/ may include napi.h"],
  ["native/probe.cpp", '#include "node_api.h"', "only addon.cpp and addon/ may include node_api.h"],
  ["native/addon.cpp", '#include <napi.h>\n#include "cpu/engine.h"', null],
  ["native/addon/job.h", '#include <napi.h>\n#include "../engine.h"', null],
  ["native/cpu/engine.cpp", '#include "../cuda/driver.h"', "cpu may not include cuda"],
  ["native/cuda/engine.cpp", '#  include "../cpu/layers/dense.h"', "cuda may not include cpu"],
  ["native/cuda/card/program.cpp", '#include "../network/shape.h"', "cuda/card may not include cuda/network"],
  ["native/cuda/network/pack.h", '#include "../schedules/search.h"', "cuda/network may not include cuda/schedules"],
  ["native/cuda/network/pack.h", '#include "../engine.h"', "cuda/network may not include cuda/engine"],
  ["native/cuda/network/shape.h", '#include "../card/device.h"\n#include "../kernels/shapes.h"\n#include "../../engine.h"', null],
  ["native/cpu/layers/dense.h", '#include "../../addon.h"', "cpu may not include addon"],
  ["native/cpu/layers/dense.h", '#include "../../dynamics/verlet.h"', "cpu may not include dynamics"],
  ["native/neighbors.cpp", '#include "cpu/engine.h"', "neighbors may not include cpu"],
  ["native/engine.h", '#include "neighbors.h"', "engine may not include neighbors"],
  ["native/cuda/driver.cpp", "#include <cuda.h>", "CUDA toolkit"],
  ["native/cpu/a.h", "#include <../cuda/x.h>", "cpu may not include cuda"],
  ["native/neighbors.cpp", '#include "utils.h"', "neighbors may not include utils"],
  ["native/neighbors.cpp", "#include <sys/mman.h>\n#include <immintrin.h>", null],
  ["native/cpu/a.h", "#include WHAT", "a macro"],
  ["native/cpu/a.h", '// #include "../cuda/x.h"\n#include <vector>\n#include "arena.h"\n#include "layers/radial.h"', null],
  ["native/cpu/layers/a.h", '#include "../faults.h"\n#include "../../engine.h"', null],
  ["python/painnless/client.py", "import torch", "may import torch"],
  ["python/painnless/client.py", "def f():\n    if x:\n        from torch import nn", "may import torch"],
  ["python/painnless/units.py", "import os, \\\n  torch as t", "may import torch"],
  ["python/painnless/units.py", "if TYPE_CHECKING: import torch.nn", "may import torch"],
  ["python/painnless/importers/a.py", "import os; import torch", "may import torch"],
  ["python/painnless/wire.py", 'm = importlib.import_module("ase.io")', "may import ase"],
  ["python/painnless/wire.py", "m = importlib.import_module(name)", "computed name"],
  ["python/painnless/reference/a.py", "from ase import (\n  Atoms,\n)", "may import ase"],
  ["python/painnless/__init__.py", "from .worker import serve", "may not import painnless.worker"],
  ["python/painnless/launch.py", "from painnless import (\n  reference,\n)", "may not import painnless.reference"],
  ["python/painnless/importers/a.py", "from ..reference.painn import Painn", "may not import painnless.reference"],
  [
    "python/painnless/client.py",
    '"""Usage:\n\nimport torch\n"""\n# import ase\nx = "import torch"\nimport torchlike\nfrom .wire import a',
    null,
  ],
  ["python/painnless/worker/a.py", "import torch\nimport ase", null],
  ["python/painnless/calculator.py", "from ase.calculators.calculator import Calculator", null],
];

describe("a planted violation is found", () => {
  test.each(planted)("%s: %j", (path, text, expected) => {
    const found = violations(new Map([[path, text]]));
    if (expected === null) expect(found).toEqual([]);
    else {
      expect(found).toHaveLength(1);
      expect(found[0]).toContain(expected);
    }
  });

  test("the line is that of the import", () => {
    expect(violations(new Map([["src/engine/a.ts", '\n\nimport {\n  x,\n} from "../wire/client.ts";']]))[0]).toMatch(
      /^src\/engine\/a\.ts:3: /,
    );
    expect(violations(new Map([["python/painnless/wire.py", '"""Two\nlines."""\n\nimport ase']]))[0]).toMatch(/wire\.py:4: /);
  });
});
