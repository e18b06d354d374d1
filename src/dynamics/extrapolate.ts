/** Weights c with which figures at several timesteps add up to their limit at timestep 0: the intercept of the least-squares line in dt², each
 *  point weighted by one over the variance of its figures. Positive and negative, they sum to 1. @param variances of one figure at each timestep */
export function interceptWeights(timesteps: readonly number[], variances: readonly number[]): number[] {
  // A point that scatters not at all is known as well as the best other, a thousand times over: weights must stay finite.
  const floor = Math.max(...variances) * 1e-6;
  const weights = variances.map((variance) => (floor > 0 ? 1 / Math.max(variance, floor) : 1));
  const squares = timesteps.map((dt) => dt * dt);
  const total = weights.reduce((sum, w) => sum + w, 0);
  const middle = weights.reduce((sum, w, k) => sum + w * (squares[k] as number), 0) / total;
  const spread = weights.reduce((sum, w, k) => sum + w * ((squares[k] as number) - middle) ** 2, 0);
  return weights.map((w, k) => w / total - (middle * w * ((squares[k] as number) - middle)) / spread);
}
