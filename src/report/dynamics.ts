import type { CrosscheckResult } from "../crosscheck/result.ts";
import type { MdResult } from "../dynamics/result.ts";
import type { ShownFrames } from "./dynamics/frames.ts";

export interface DynamicsReport {
  readonly result: MdResult;
  /** null where no frames were taken; at most as many as `FrameSelection` keeps */
  readonly frames: ShownFrames | null;
  /** of the same model; null where none was made */
  readonly crosscheck: CrosscheckResult | null;
}

/** The report as one HTML file, which needs nothing but itself. */
export type RenderDynamicsReport = (report: DynamicsReport) => string;
