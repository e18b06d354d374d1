/** One step of all replicas of a structure of n atoms; arrays are row-major with the replica first. Positions are never wrapped into the cell. */
export interface Frame {
  readonly step: number;
  /** fs since step 0 */
  readonly time: number;
  /** (replicas, n, 3) Å */
  readonly positions: Float64Array;
  /** (replicas, n, 3) Å/fs */
  readonly velocities: Float64Array;
  /** (replicas, n, 3) eV/Å */
  readonly forces: Float64Array;
  /** (replicas) eV, net of the model's constants */
  readonly potential: Float64Array;
  /** (replicas) eV */
  readonly kinetic: Float64Array;
}
