/** Index of the value nearest to `target`. @param ascending at least one */
export function nearest(ascending: readonly number[], target: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) <= target) low = middle;
    else high = middle;
  }
  return target - (ascending[low] as number) <= (ascending[high] as number) - target ? low : high;
}
