import type { NativeTensors } from "./model.ts";

/** One layer, alone; arrays by the names of tests/golden/layers. */
export interface LayerQuestion {
  readonly layer: "radial" | "filter" | "table" | "context" | "message" | "update" | "readout";
  /** the interaction layer it stands in */
  readonly index: number;
  readonly inputs: NativeTensors;
  /** dE/d(output) by output; without any, the adjoint is not run */
  readonly outputBars: NativeTensors;
}

export interface LayerAnswer {
  readonly outputs: NativeTensors;
  /** dE/d(input); of the vectors of a message it is G, dE/dr of a pair, both its directions together */
  readonly inputBars: NativeTensors;
}

/** Of the emulated card; what is left out stays. */
export interface EmulatedCard {
  readonly turns?: "ascending" | "descending" | "shuffled" | "unfair";
  /** the queue whose work is done at once; the others', or all of them, as late as may be */
  readonly early?: "work" | "requests" | "answers" | "none";
  /** copies into shared memory that go on beside their thread: at once, or as late as may be */
  readonly earlyRows?: boolean;
  readonly totalBytes?: number;
  readonly sharedBytes?: number;
  /** of blocks that the card holds at once */
  readonly clusters?: number;
  /** 90 for sm_90, which it is at first */
  readonly architecture?: number;
  /** the n-th from now on fails of all that takes memory: on the card, on the host for copies, modules, graphs, marks */
  readonly failingAllocation?: number;
  /** number of a fault of the kernels, 0 for none */
  readonly planted?: number;
}

/** Calls since the last question; bytes allocated now, on the card and on the host for copies, and what is queued and not begun. */
export interface EmulatedCounts {
  readonly allocations: number;
  readonly releases: number;
  readonly uploads: number;
  /** of the uploads, those that were queued while there was work that had not begun */
  readonly beside: number;
  readonly downloads: number;
  readonly launches: number;
  readonly replays: number;
  /** of the host, for all that is queued, or was up to a mark */
  readonly waits: number;
  readonly bytes: number;
  readonly pinned: number;
  readonly queued: number;
}
