/** A model as C++ takes it. */

export type NativePrecision = "f32" | "f64";
/** "mixed": float32 whose products over features take numbers of fewer bits (docs/accuracy.md) */
export type CudaPrecision = NativePrecision | "mixed";

/** Layer tensors by the names of the model file (docs/formats.md), values in float64. */
export type NativeTensors = Readonly<Record<string, Float64Array>>;

export interface NativeConfig {
  readonly arch: "painn-schnetpack" | "painn-distiller";
  readonly features: number;
  readonly layers: number;
  readonly radial: number;
  readonly maxZ: number;
  /** Å */
  readonly cutoff: number;
  readonly rbf: "gaussian" | "bessel";
  /** is a pair at exactly the cutoff an edge */
  readonly edgeAtCutoff: boolean;
  readonly normEps: number;
  readonly directionEps: number;
  readonly sharedLayers: boolean;
  readonly sharedFilters: boolean;
  readonly readoutWidths: readonly number[];
  /** eV per unit of the weights */
  readonly energyUnit: number;
}
