import { type AtomSpec, createViewer, type GLModel, type GLViewer } from "3dmol";
import { bondsBetween, type EmbeddedFrames } from "../dynamics/embedded.ts";
import { currentPalette, onPaletteChange } from "./palette.ts";

/** Larger structures keep the bonds of their first frame. */
const mostRebonded = 400;

export interface MoleculeView {
  show(frame: number): void;
}

/** The atoms in 3D; null where the browser has no WebGL, and the drawing that stands there remains. */
export function viewMolecule(home: HTMLElement, { atoms, edges }: EmbeddedFrames, positions: Float64Array): MoleculeView | null {
  if (document.createElement("canvas").getContext("webgl") === null) return null;
  const viewer: GLViewer = createViewer(home, { antialias: true, disableFog: true, backgroundAlpha: 0, backgroundColor: "white" });
  const model: GLModel = viewer.addModel();
  model.addAtoms(atoms.map(({ symbol }, serial): AtomSpec => ({ elem: symbol, x: 0, y: 0, z: 0, serial, bonds: [], bondOrder: [] })));
  const specs: AtomSpec[] = model.selectedAtoms({});
  const place = (frame: number, rebond: boolean) => {
    const at = positions.subarray(3 * atoms.length * frame, 3 * atoms.length * (frame + 1));
    specs.forEach((spec, i) => {
      Object.assign(spec, { x: at[3 * i], y: at[3 * i + 1], z: at[3 * i + 2] });
    });
    if (!rebond) return;
    for (const spec of specs) Object.assign(spec, { bonds: [], bondOrder: [] });
    for (const [i, j] of bondsBetween(atoms, at))
      for (const [a, b] of [
        [i, j],
        [j, i],
      ] as const) {
        specs[a]?.bonds?.push(b);
        specs[a]?.bondOrder?.push(1);
      }
  };
  const draw = () => {
    // Also tells 3Dmol that the atoms have moved.
    model.setStyle({}, { stick: { radius: 0.11, colorfunc }, sphere: { scale: 0.26, colorfunc } });
    viewer.render();
  };
  const colorfunc = (spec: AtomSpec) => atoms[spec.index ?? 0]?.colour ?? "#888888";
  const dress = () => {
    const { ink, soft } = currentPalette();
    viewer.setViewStyle({ style: "outline", color: ink, width: 0.012 });
    viewer.removeAllShapes();
    for (const [x, y, z, u, v, w] of edges) viewer.addLine({ start: { x, y, z }, end: { x: u, y: v, z: w }, color: soft });
    draw();
  };
  place(0, true);
  dress();
  viewer.zoomTo();
  turnFlat(viewer, positions.subarray(0, 3 * atoms.length));
  viewer.zoom(1.35);
  viewer.render();
  onPaletteChange(dress);
  // The wheel scrolls the page, until the view is pressed; then it zooms for as long as the pointer stays.
  let engaged = false;
  home.addEventListener("pointerdown", () => {
    engaged = true;
  });
  home.addEventListener("pointerleave", () => {
    engaged = false;
  });
  home.addEventListener("wheel", (event) => (engaged ? undefined : event.stopPropagation()), {
    capture: true,
  });
  return {
    show(frame) {
      place(frame, atoms.length <= mostRebonded);
      draw();
    },
  };
}

/** Turns the direction in which the structure is thinnest towards the eye. */
function turnFlat(viewer: GLViewer, positions: Float64Array): void {
  const extent = (axis: number) => {
    const values = positions.filter((_, i) => i % 3 === axis);
    return Math.max(...values) - Math.min(...values);
  };
  const [x, y, z] = [extent(0), extent(1), extent(2)] as [number, number, number];
  if (x < Math.min(y, z)) viewer.rotate(90, "y");
  else if (y < z) viewer.rotate(90, "x");
}
