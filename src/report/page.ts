import { createHash } from "node:crypto";
import { Markup, markup, scriptJson } from "./markup.ts";
import { style } from "./style.ts";

/** Saves what is embedded; a page needs no script to be read. */
const saving = `
for (const button of document.querySelectorAll("button[data-saves]"))
  button.addEventListener("click", () => {
    const text = JSON.stringify(JSON.parse(document.getElementById(button.dataset.saves).textContent), null, 2);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = button.dataset.name;
    link.click();
    URL.revokeObjectURL(link.href);
  });
`.trim();

const icon = encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 9l4 4 8-10" fill="none" stroke="#2458c5" stroke-width="2.5"/></svg>`,
);

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** What may load: these style sheets and these scripts, known by their hashes, and an icon; nothing from any network. */
const policyOf = (styles: readonly string[], scripts: readonly string[]) =>
  [
    "default-src 'none'",
    `style-src ${styles.map(hashOf).join(" ")}`,
    `script-src ${scripts.map(hashOf).join(" ")}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");

export interface Page {
  readonly title: string;
  readonly header: Markup;
  readonly main: Markup;
  readonly footer: Markup;
  readonly data: readonly PageData[];
  /** beside what every page has */
  readonly scripts?: readonly string[];
  readonly styles?: readonly string[];
}

export interface PageData {
  /** of the script element that holds it */
  readonly id: string;
  readonly data: unknown;
  /** the button that saves it, and as which file; null: for the page's own use */
  readonly save: { readonly label: string; readonly name: string } | null;
}

/** One HTML file that needs nothing but itself. */
export function renderPage({ title, header, main, footer, data, scripts = [], styles = [] }: Page): string {
  const [sheets, programs] = [
    [style, ...styles],
    [saving, ...scripts],
  ];
  const buttons = data.map(({ id, save }) =>
    save === null ? null : markup`<button type="button" data-saves="${id}" data-name="${save.name}">${save.label}</button> `,
  );
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(sheets, programs)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="data:image/svg+xml,${icon}">
${sheets.map((sheet) => markup`<style>${new Markup(sheet)}</style>`)}
</head>
<body>
<header>${header}</header>
<main>${main}
<p class="screen">${buttons}</p>
</main>
<footer>${footer}</footer>
${data.map(({ id, data: embedded }) => markup`<script type="application/json" id="${id}">${scriptJson(embedded)}</script>\n`)}${programs.map((program) => markup`<script>${new Markup(program)}</script>\n`)}</body>
</html>
`.text;
}
