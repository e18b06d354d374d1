import { type AtomSpec, createViewer, type GLViewer } from "3dmol";
import { bounds } from "../../system/cell.ts";
import { bondsBetween, type EmbeddedFrames } from "../dynamics/embedded.ts";
import { currentPalette, onPaletteChange } from "./palette.ts";

/** Larger structures keep the bonds of their first frame. */
const mostRebonded = 400;

export interface MoleculeView {
  show(frame: number): void;
}

/** The first frame in 3D; null where the browser has no WebGL, and the drawing that stands there remains.
 *  @param positions (frames, atoms, 3) Å */
export function viewMolecule(home: HTMLElement, { atoms, edges }: EmbeddedFrames, positions: Float64Array): MoleculeView | null {
  if (document.createElement("canvas").getContext("webgl") === null) return null;
  const viewer = createViewer(home, { antialias: true, disableFog: true, backgroundAlpha: 0, backgroundColor: "white" });
  const model = viewer.addModel();
  model.addAtoms(atoms.map(({ symbol }, serial): AtomSpec => ({ elem: symbol, x: 0, y: 0, z: 0, serial, bonds: [], bondOrder: [] })));
  const specs: AtomSpec[] = model.selectedAtoms({});
  const colorfunc = (spec: AtomSpec) => atoms[spec.index ?? 0]?.colour ?? "#888888";
  let shown = 0;
  const place = (rebond: boolean) => {
    const at = positions.subarray(3 * atoms.length * shown, 3 * atoms.length * (shown + 1));
    specs.forEach((spec, i) => {
      Object.assign(spec, { x: at[3 * i], y: at[3 * i + 1], z: at[3 * i + 2] });
    });
    if (rebond) bond(specs, bondsBetween(atoms, at));
    // Also tells 3Dmol that the atoms have moved.
    model.setStyle({}, { stick: { radius: 0.11, colorfunc }, sphere: { scale: 0.26, colorfunc } });
  };
  const dress = () => {
    const { ink, soft } = currentPalette();
    viewer.setViewStyle({ style: "outline", color: ink, width: 0.012 });
    viewer.removeAllShapes();
    for (const [x, y, z, u, v, w] of edges) viewer.addLine({ start: { x, y, z }, end: { x: u, y: v, z: w }, color: soft });
  };
  place(true);
  dress();
  viewer.zoomTo();
  turnFlat(viewer, positions.subarray(0, 3 * atoms.length));
  viewer.zoom(1.35);
  viewer.render();
  onPaletteChange(() => {
    dress();
    viewer.render();
  });
  leaveWheelToPage(home);
  return {
    show(frame) {
      if (frame === shown) return;
      shown = frame;
      place(atoms.length <= mostRebonded);
      viewer.render();
    },
  };
}

function bond(specs: readonly AtomSpec[], pairs: readonly (readonly [number, number])[]): void {
  for (const spec of specs) Object.assign(spec, { bonds: [], bondOrder: [] });
  for (const [i, j] of [...pairs, ...pairs.map(([i, j]) => [j, i] as const)]) {
    specs[i]?.bonds?.push(j);
    specs[i]?.bondOrder?.push(1);
  }
}

/** Turns the direction in which the structure is thinnest towards the eye. */
function turnFlat(viewer: GLViewer, positions: Float64Array): void {
  const { low, high } = bounds(positions);
  const [x, y, z] = [high[0] - low[0], high[1] - low[1], high[2] - low[2]];
  if (x < Math.min(y, z)) viewer.rotate(90, "y");
  else if (y < z) viewer.rotate(90, "x");
}

/** The wheel scrolls the page, until the view is pressed; then it zooms for as long as the pointer stays. */
function leaveWheelToPage(home: HTMLElement): void {
  let engaged = false;
  home.addEventListener("pointerdown", () => {
    engaged = true;
  });
  home.addEventListener("pointerleave", () => {
    engaged = false;
  });
  home.addEventListener(
    "wheel",
    (event) => {
      if (!engaged) event.stopPropagation();
    },
    { capture: true },
  );
}
