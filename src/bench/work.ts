/** Sizes of a painn-schnetpack model. */
export interface Sizes {
  readonly features: number;
  readonly layers: number;
  readonly radial: number;
}

/** Floating-point operations of energy and forces, a multiplication and an addition counted apart (docs/theory.md, work): dense layers per
 *  atom, filters and sums per directed edge, forward and reverse; activations not counted. */
export function nominalFlops({ features: f, layers: l, radial: r }: Sizes, atoms: number, edges: number): number {
  const forward = 30 * f * f * l + f * f + f;
  const reverse = 22 * f * f * l + 8 * f * f * (l - 1) + f * f;
  return atoms * (forward + reverse) + edges * l * (12 * r * f + 79 * f);
}
