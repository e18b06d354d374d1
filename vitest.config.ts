import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Native addons and child processes: a process per file, so that a crash names its file and nothing is shared.
    pool: "forks",
    maxWorkers: 2,
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
