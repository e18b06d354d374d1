import type { Series } from "../../dynamics/result.ts";

type Values = readonly (number | null)[];

/** The series in at most so many bins: neighbours are put together, by their means and by the lowest and highest of all. */
export function thinSeries(series: Series, most: number): Series {
  const bins = series.time.length;
  if (bins <= most) return series;
  const size = Math.ceil(bins / most);
  const merge = (values: Values, how: (some: number[]) => number) =>
    Array.from({ length: Math.ceil(bins / size) }, (_, i) => {
      const some = values.slice(i * size, (i + 1) * size);
      const finite = some.filter((value) => value !== null);
      return finite.length < some.length ? null : how(finite);
    });
  const mean = (some: readonly number[]) => some.reduce((a, b) => a + b, 0) / some.length;
  return {
    time: merge(series.time, mean) as number[],
    replicas: series.replicas.map(({ seed, energy, energyLow, energyHigh, modified, potential, temperature }) => ({
      seed,
      energy: merge(energy, mean),
      energyLow: merge(energyLow, (some) => Math.min(...some)),
      energyHigh: merge(energyHigh, (some) => Math.max(...some)),
      modified: modified === null ? null : merge(modified, mean),
      potential: merge(potential, mean),
      temperature: merge(temperature, mean),
    })),
  };
}
