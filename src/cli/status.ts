import { defineCommand } from "citty";
import type { Statistics, Welcome } from "../wire/messages.ts";
import { lines } from "./model-summary.ts";
import { serverAt } from "./sides.ts";

/** `painnless status`: what a running server has done. */
export const statusCommand = defineCommand({
  meta: { name: "status", description: "What a running server has done: requests, batches, latency, memory" },
  args: {
    endpoint: { type: "positional", required: true, description: "ipc://PATH, or tcp://HOST:PORT?key=FILE&server=FILE" },
    json: { type: "boolean", default: false, description: "Print JSON" },
  },
  async run({ args }) {
    const server = await serverAt(args.endpoint);
    try {
      const statistics = await server.statistics({ deadlineMs: 10_000 });
      process.stdout.write(
        args.json ? `${JSON.stringify(resultOf(server.welcome, statistics), null, 1)}\n` : summary(server.welcome, statistics),
      );
    } finally {
      await server.close();
    }
  },
});

const resultOf = ({ side, model, pid, versions }: Welcome, { kind: _, epoch: __, id: ___, ...counts }: Statistics) => ({
  format: "painnless.status/1",
  ...{ side, model, pid, versions },
  ...counts,
});

const percentiles = (found: Statistics["latency"]): string =>
  found === null
    ? "-"
    : `p50 ${found.p50.toFixed(2)}, p90 ${found.p90.toFixed(2)}, p99 ${found.p99.toFixed(2)}, max ${found.max.toFixed(2)} ms`;

function summary({ side, pid, limits }: Welcome, found: Statistics): string {
  return lines([
    ["side", `${side}, process ${pid}, up ${found.uptime.toFixed(0)} s`],
    ["clients", `${found.clients} of at most ${limits.clients}`],
    ["requests", `${found.answered} answered, ${found.refused} refused, ${found.cancelled} cancelled, ${found.waiting} waiting`],
    ["malformed", `${found.malformed} messages`],
    ["batches", `${found.batches}, of ${found.structures} structures, ${found.atoms} atoms`],
    ["latency", percentiles(found.latency)],
    ["engine", percentiles(found.compute)],
    ["memory", `${(found.memory / 2 ** 20).toFixed(0)} MiB`],
  ]);
}
