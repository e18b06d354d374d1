/** The colours of the style sheet as they are now: canvases do not follow dark mode by themselves. */
export interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  /** of the replica whose atoms are shown, of the others, and of its modified energy */
  readonly first: string;
  readonly other: string;
  readonly modified: string;
}

export function currentPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ...{ paper: colour("paper"), ink: colour("ink"), soft: colour("soft"), line: colour("line") },
    ...{ first: colour("a"), other: colour("other"), modified: colour("b") },
  };
}

/** Calls back when the colours have changed. */
export function onPaletteChange(redraw: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
