import type { MdResult } from "../../dynamics/result.ts";
import { plotsOf, timeUnit } from "../dynamics/curves.ts";
import type { EmbeddedFrames } from "../dynamics/embedded.ts";
import { nearest } from "../dynamics/nearest.ts";
import { formatNumber } from "../numbers.ts";
import { viewMolecule } from "./molecule.ts";
import { startPlayer } from "./player.ts";
import { drawTraces } from "./traces.ts";

/** The script of a run's page: puts living plots and atoms where drawings stand. Without it the page still says all there is to say. */
const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const embedded = <T>(id: string) => JSON.parse(element(id).textContent) as T;

const result = embedded<MdResult>("data");
const frames = embedded<(EmbeddedFrames & { seed: number }) | null>("frames");
const plots = plotsOf(result, frames?.seed ?? null);
const unit = timeUnit(result).name;

document.documentElement.classList.add("live");
let pick: (time: number) => void = () => {};
const traces = plots.length === 0 ? null : drawTraces(plots, unit, element("reset"), (time) => pick(time));

if (frames !== null) {
  const text = atob(frames.positions);
  const view = new DataView(Uint8Array.from(text, (c) => c.charCodeAt(0)).buffer);
  const positions = Float64Array.from({ length: text.length / 2 }, (_, i) => frames.scale * view.getInt16(2 * i, true));
  const molecule = viewMolecule(element("view"), frames, positions);
  element("view").classList.toggle("drawn", molecule !== null);
  element("no-webgl").hidden = molecule !== null;
  const describe = (frame: number) => {
    const time = frames.times[frame] as number;
    const values = plots
      .filter(({ id }) => id !== "drift")
      .map((plot) => `${formatNumber(plot.curves.find(({ role }) => role === "first")?.y[nearest(plot.x, time)] ?? null)} ${plot.unit}`);
    return [`${formatNumber(time, 4)} ${unit}`, ...values].join(" · ");
  };
  const player = startPlayer(
    { region: element("run"), button: element("play"), slider: element("scrub"), readout: element("readout") },
    frames.times,
    (frame) => {
      molecule?.show(frame);
      traces?.mark(frames.times[frame] as number);
    },
    describe,
  );
  pick = (time) => {
    player.seek(time);
    element("scrub").focus({ preventScroll: true });
  };
}
