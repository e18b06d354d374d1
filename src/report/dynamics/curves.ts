import type { MdResult, Series } from "../../dynamics/result.ts";
import type { TraceCurve } from "../trace-chart.ts";

/** What the traces show, drawn twice from this: as SVG when the page is written, and by the page's script, where it can be zoomed. */
export interface Plot {
  readonly id: "energy" | "temperature" | "drift";
  readonly title: string;
  readonly unit: string;
  /** in the unit of time of the run */
  readonly x: readonly number[];
  readonly curves: readonly TraceCurve[];
  /** a level to compare with */
  readonly guide: number | null;
  /** shown of the axis, where the curves go far beyond what matters; null: all */
  readonly range: readonly [number, number] | null;
}

export interface TimeUnit {
  readonly name: "fs" | "ps" | "ns";
  /** in ps */
  readonly size: number;
}

/** The unit in which the run's length is an easy number. */
export function timeUnit(result: MdResult): TimeUnit {
  const length = (result.steps * result.dt) / 1000;
  return length >= 2000 ? { name: "ns", size: 1000 } : length < 1 ? { name: "fs", size: 1e-3 } : { name: "ps", size: 1 };
}

/** Energy, temperature and drift against time; a plot without a point is left out. @param shown seed of the replica whose atoms are shown */
export function plotsOf(result: MdResult, shown: number | null): Plot[] {
  const unit = timeUnit(result).size;
  const { series, drift } = result;
  const x = series.time.map((t) => t / unit);
  const first = series.replicas.find(({ seed }) => seed === shown) ?? series.replicas[0];
  // Drawn last, the replica of the atoms lies above the others.
  const replicas = [...series.replicas.filter((replica) => replica !== first), ...(first === undefined ? [] : [first])];
  const role = (replica: Series["replicas"][number]): TraceCurve["role"] => (replica === first ? "first" : "other");
  const binned = replicas.some(({ energyLow, energyHigh }) => energyLow.some((low, i) => low !== energyHigh[i]));
  const modified = first?.modified ?? null;
  const energy: Plot = {
    ...{
      id: "energy",
      title: result.ensemble === "nve" ? "Total energy" : "Total energy less heat",
      unit: "meV/atom",
      x,
      guide: 0,
      range: null,
    },
    curves: [
      ...replicas.map((replica) => ({
        ...{ name: `seed ${replica.seed}`, role: role(replica), y: replica.energy },
        ...(binned ? { low: replica.energyLow, high: replica.energyHigh } : { low: null, high: null }),
      })),
      ...(modified === null ? [] : [{ name: "modified energy", role: "modified", y: modified, low: null, high: null } as const]),
    ],
  };
  const temperature: Plot = {
    ...{ id: "temperature", title: "Temperature", unit: "K", x, guide: result.temperature.mean, range: null },
    curves: replicas.map((replica) => ({
      ...{ name: `seed ${replica.seed}`, role: role(replica), y: replica.temperature, low: null, high: null },
    })),
  };
  const history = drift?.history ?? [];
  const settled: Plot = {
    ...{ id: "drift", title: "Drift, as known by then", unit: "meV/atom/ns", x: history.map(({ time }) => time / unit), guide: 0 },
    range: settledRange(history),
    curves: [
      {
        ...{ name: "drift", role: "first", y: history.map(({ value }) => value) },
        ...{ low: history.map(({ low }) => low), high: history.map(({ high }) => high) },
      },
    ],
  };
  return [energy, temperature, settled].filter((plot) => plot.curves.some(({ y }) => y.some((value) => value !== null)));
}

/** Room for the interval as it stands after a third of the run: what the first steps say of the slope is wide beyond any axis. */
function settledRange(history: readonly { readonly low: number | null; readonly high: number | null }[]): [number, number] | null {
  const late = history.slice(Math.floor(history.length / 3)).flatMap(({ low, high }) => (low === null || high === null ? [] : [low, high]));
  if (late.length === 0) return null;
  const [low, high] = [Math.min(0, ...late), Math.max(0, ...late)];
  const margin = 0.06 * (high - low || 1);
  return [low - margin, high + margin];
}
