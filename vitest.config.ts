import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";

/** Short texts that take long. Vitest begins with the longest text, and one of these at the end would leave a core with nothing to do. */
const early = [
  "/tests/cli/demo.test.ts",
  "/tests/cuda/spread.test.ts",
  "/tests/cuda/slices.test.ts",
  "/tests/cuda/mixed.test.ts",
  "/tests/sweep/sweep.test.ts",
  "/tests/cuda/md.test.ts",
];
class LongFirst extends BaseSequencer {
  override async sort(...given: Parameters<BaseSequencer["sort"]>): ReturnType<BaseSequencer["sort"]> {
    const isEarly = ({ moduleId }: { moduleId: string }) => early.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(...given);
    return [...sorted.filter(isEarly), ...sorted.filter((file) => !isEarly(file))];
  }
}

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Native addons and child processes: a process per file, so that a crash names its file and nothing is shared.
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
    maxConcurrency: 2, // of the tests within a file that say they may run at once
    // A first `import torch` in a worker takes seconds on a cold disk; a hang must still end well inside the ten minutes of `npm test`.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    // torch and our engine would each take every core: two files at a time, each on one thread, unless a test says otherwise.
    env: { OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" },
    passWithNoTests: false,
    allowOnly: !process.env["CI"],
  },
});
