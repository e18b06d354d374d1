/** Text that is already HTML. Only `markup` makes one, so nothing of a user's reaches the page unescaped. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Piece = Markup | string | number | null | readonly Piece[];

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** The text as HTML shows it; control and direction characters, which could hide or turn what follows, become visible. */
export function escapeText(text: string): string {
  return text
    .replace(/[&<>"']/g, (c) => entities[c] as string)
    .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (c) => `\\u${c.codePointAt(0)?.toString(16).padStart(4, "0")}`);
}

function textOf(piece: Piece): string {
  if (piece === null) return "";
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === "object") return piece.map(textOf).join("");
  return escapeText(String(piece));
}

/** Tagged template: what is interpolated is escaped, unless it is Markup or a list; null gives nothing. */
export function markup(strings: TemplateStringsArray, ...pieces: Piece[]): Markup {
  return new Markup(strings.reduce((text, string, i) => text + textOf(pieces[i - 1] ?? null) + string));
}

/** JSON that may stand inside a script element: nothing in it ends the element, a line or the direction of the text. */
export function scriptJson(data: unknown): Markup {
  return new Markup(
    JSON.stringify(data).replace(/[<>&\u2028-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}
