import { type Markup, markup } from "./markup.ts";
import { type Axis, place } from "./scale.ts";

// Static SVG, drawn when the page is written: prints, needs no script, and reads aloud by its title and description.
export const left = 52;
export const right = 16;
export const round = (x: number) => Number(x.toFixed(1));

/** A rectangle with an axis at its left and one at its bottom, in a drawing `width` wide. */
export interface Frame {
  readonly x: Axis;
  readonly y: Axis;
  readonly top: number;
  readonly height: number;
  readonly width: number;
}

const innerWidth = (frame: Frame) => frame.width - left - right;
export const toX = (frame: Frame, value: number) => round(left + innerWidth(frame) * place(frame.x, value));
export const toY = (frame: Frame, value: number) => round(frame.top + frame.height * (1 - place(frame.y, value)));

export function drawing(width: number, height: number, title: string, description: string, body: readonly Markup[]): Markup {
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img"><title>${title}</title><desc>${description}</desc>${body}</svg>`;
}

export function drawAxes(frame: Frame, labelled = true): Markup {
  const bottom = frame.top + frame.height;
  const xs = frame.x.ticks.map(({ value, label }) => {
    const x = toX(frame, value);
    return markup`<path class="grid" d="M${x} ${frame.top}V${bottom}"/>${labelled ? markup`<text x="${x}" y="${bottom + 15}" text-anchor="middle">${label}</text>` : null}`;
  });
  const ys = frame.y.ticks.map(({ value, label }) => {
    const y = toY(frame, value);
    return markup`<path class="grid" d="M${left} ${y}H${frame.width - right}"/><text x="${left - 6}" y="${y + 4}" text-anchor="end">${label}</text>`;
  });
  const names = markup`${labelled ? markup`<text x="${left + innerWidth(frame) / 2}" y="${bottom + 32}" text-anchor="middle">${frame.x.label}</text>` : null}<text x="${left}" y="${frame.top - 8}">${frame.y.label}</text>`;
  return markup`${xs}${ys}<path class="axis" d="M${left} ${frame.top}V${bottom}H${frame.width - right}"/>${names}`;
}
