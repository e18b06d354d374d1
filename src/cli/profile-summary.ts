import type { PortionsResult } from "../bench/profile/portions.ts";
import type { ProfiledKernel, ProfileResult } from "../bench/profile/profile.ts";
import { bold, dim, quoted, table, yellow } from "./terminal.ts";

const us = (value: number) => (Math.abs(value) < 1000 ? value.toPrecision(3) : value.toFixed(0));
const heading = ["kernel", "launches", "blocks x threads", "µs", "p10–p90", "of the step", "floor, µs", "by", "x floor", "TB/s", "Tflop/s"];

function row({ kernel, launches, grid, micros, p10, p90, share, floor }: ProfiledKernel): string[] {
  const cluster = grid.cluster > 0 ? ` in ${grid.cluster}s` : "";
  const rate = (amount: number) => ((1e-6 * amount) / micros).toPrecision(2);
  return [
    ...[kernel, String(launches), `${grid.blocks}${cluster} x ${grid.threads}`, us(micros), `${us(p10)}–${us(p90)}`],
    `${(100 * share).toFixed(1)} %`,
    ...(floor === null
      ? ["-", "-", "-", "-", "-"]
      : [
          us(floor.micros),
          floor.bound,
          (micros / floor.micros).toFixed(1),
          rate(floor.bytes),
          floor.operations > 0 ? rate(floor.operations) : "-",
        ]),
  ];
}

const portionHeading = ["portion", "structures", "atoms", "written, µs", "sent", "kernels", "fetched", "read"];

/** A set that goes in portions, as it went. */
function portionsSummary({ micros, kernels, copies, host, rows }: PortionsResult): string {
  const span = ([begin, end]: readonly [number, number]) => `${begin.toFixed(0)}–${end.toFixed(0)}`;
  const share = ({ micros, hidden }: PortionsResult["copies"]) => `${us(micros)}, ${(100 * hidden).toFixed(0)} % of it while kernels ran`;
  const cells = rows.map(({ structures, atoms, written, request, kernels, answer, read }, k) => [
    ...[String(k + 1), String(structures), String(atoms)],
    ...[written, request, kernels, answer, read].map(span),
  ]);
  return `\n${dim("  evaluate takes this set in portions, from positions to forces on the host, µs since it began:")}\n${table(portionHeading, cells, [0, 1, 2])}\n  ${us(micros)} µs: kernels ${us(kernels)}; copies ${share(copies)}; the host ${share(host)}\n`;
}

/** @param asked as the command line named them, for the commands that go further */
export function profileSummary(result: ProfileResult, asked: { readonly model: string; readonly sources: readonly string[] }): string {
  const { step, sum, gaps, event, peak, kernels, found, portions } = result;
  const state = Object.entries(found).map(([name, value]) => `${name} ${value}`);
  const about = [
    `${result.card}, ${result.side}, schedule ${result.schedule}; ${result.structures} structure${result.structures === 1 ? "" : "s"}, ${result.atoms} atoms, ${result.edges} edges`,
    ...(state.length === 0 ? [] : [`as found: ${state.join(", ")}`]),
    `floors by ${peak.source}: ${(peak.bandwidth / 1e12).toFixed(2)} TB/s, ${(peak.operations / 1e12).toFixed(1)} Tflop/s of ordinary float32 units (tensor cores may beat them)`,
    `median of ${result.rounds} rounds, each launch between two events, less the ${us(event)} µs that two events take by themselves`,
  ];
  const total = kernels.reduce((floor, kernel) => floor + (kernel.floor?.micros ?? 0), 0);
  const lines = [
    `step ${us(step.micros)} µs: search ${step.search === 0 ? "within" : us(step.search)}, network ${us(step.network)}; kernels ${us(sum)}, between them ${us(gaps)}; floors ${us(total)}`,
    ...(gaps < 0
      ? [yellow("less than its kernels: launches by themselves pay for beginnings and ends that overlap in the recorded step")]
      : []),
  ];
  const further = commands(result, asked).map((command) => `  ${command}\n`);
  return `\n${bold("painnless profile")}\n${about.map((line) => `${dim(`  ${line}`)}\n`).join("")}\n${table(heading, kernels.map(row), [1, 3, 4, 5, 6, 8, 9, 10])}\n  ${lines.join("\n  ")}\n${portions === null ? "" : portionsSummary(portions)}\n  further:\n${further.join("")}`;
}

/** NVIDIA's tools on the same evaluation. */
function commands(
  { side, kernels }: ProfileResult,
  { model, sources }: { readonly model: string; readonly sources: readonly string[] },
): string[] {
  const again = [process.execPath, process.argv[1] ?? "painnless", "profile", model, ...sources, "--side", side, "--rounds", "5"]
    .map(quoted)
    .join(" ");
  const longest = kernels[0]?.kernel ?? "";
  return [
    `nsys profile --trace=cuda,nvtx --cuda-graph-trace=node -o painnless ${again}`,
    `ncu --set full --clock-control none --kernel-name ${longest} --launch-skip 20 --launch-count 3 -o painnless ${again}`,
  ];
}
