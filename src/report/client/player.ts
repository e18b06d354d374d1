import { nearest } from "../dynamics/nearest.ts";

export interface PlayerParts {
  readonly region: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly slider: HTMLInputElement;
  readonly readout: HTMLOutputElement;
}

export interface Player {
  /** Shows the frame nearest to a time. */
  seek(time: number): void;
}

/** Frames a second, and seconds a whole run takes at least. */
const rate = 30;
const leastSeconds = 8;

/** Plays and scrubs: by the button and the slider, and by keys anywhere in the region. @param show draws a frame  @param describe a frame in words */
export function startPlayer(
  { region, button, slider, readout }: PlayerParts,
  times: readonly number[],
  show: (frame: number) => void,
  describe: (frame: number) => string,
): Player {
  const last = times.length - 1;
  const pause = Math.max(1000 / rate, Math.min(200, (leastSeconds * 1000) / times.length));
  let frame = 0;
  let playing = false;
  let due = 0;
  const go = (to: number) => {
    frame = Math.min(Math.max(to, 0), last);
    const words = describe(frame);
    slider.value = String(frame);
    slider.setAttribute("aria-valuetext", words);
    readout.textContent = words;
    show(frame);
  };
  const tick = (now: number) => {
    if (!playing) return;
    if (now >= due) {
      due = now + pause - 4;
      if (frame === last) return play(false);
      go(frame + 1);
    }
    requestAnimationFrame(tick);
  };
  const play = (on: boolean) => {
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    button.classList.toggle("playing", on);
    if (!on) return;
    if (frame === last) go(0);
    due = 0;
    requestAnimationFrame(tick);
  };
  const stepTo = (to: number) => {
    play(false);
    go(to);
  };
  slider.max = String(last);
  slider.addEventListener("input", () => stepTo(Number(slider.value)));
  button.addEventListener("click", () => play(!playing));
  const keys: Readonly<Record<string, (far: boolean) => void>> = {
    " ": () => play(!playing),
    ArrowRight: (far) => stepTo(frame + (far ? 10 : 1)),
    ArrowLeft: (far) => stepTo(frame - (far ? 10 : 1)),
    Home: () => stepTo(0),
    End: () => stepTo(last),
  };
  region.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    // On a button, the space bar presses that button.
    if (
      act === undefined ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      (event.key === " " && event.target instanceof HTMLButtonElement)
    )
      return;
    event.preventDefault();
    act(event.shiftKey);
  });
  go(0);
  return { seek: (time) => stepTo(nearest(times, time)) };
}
