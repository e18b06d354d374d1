import { elementSymbol } from "../../system/elements.ts";
import type { EmbeddedAtom } from "./embedded.ts";

/** Covalent radii in pm, from H on: B. Cordero et al., Dalton Trans. 2008, 2832. */
const covalentRadii = [
  ...[31, 28, 128, 96, 84, 76, 71, 66, 57, 58, 166, 141, 121, 111, 107, 105, 102, 106, 203, 176, 170, 160, 153, 139, 139, 132, 126, 124],
  ...[132, 122, 122, 120, 119, 120, 120, 116, 220, 195, 190, 175, 164, 154, 147, 146, 142, 139, 145, 144, 142, 139, 139, 138, 139, 140],
  ...[244, 215, 207, 204, 203, 201, 199, 198, 198, 196, 194, 192, 192, 189, 190, 187, 187, 175, 170, 162, 151, 144, 141, 136, 136],
  ...[132, 145, 146, 148, 140, 150, 150, 260, 221, 215, 206, 200, 196, 190, 187, 180, 169],
];

/** The usual colours, apart from each other in lightness too. */
const colours: Readonly<Record<string, string>> = {
  ...{ H: "#e9ecf0", C: "#59616b", N: "#3b6fd4", O: "#d23b2f", F: "#8fce5a", P: "#e58a1f", S: "#e3c52b", Cl: "#3aa64b" },
  ...{ Br: "#9c3a2a", I: "#7b3aa0", Si: "#c9a982", B: "#f0a8a0", Na: "#9a6be0", K: "#8443c4", Li: "#b58cf0", Mg: "#3f8f3f" },
};

/** An atom as it is drawn. */
export function drawnAtom(z: number): EmbeddedAtom {
  const symbol = elementSymbol(z);
  return { symbol, colour: colours[symbol] ?? "#8a86b8", radius: (covalentRadii[z - 1] ?? 160) / 100 };
}
