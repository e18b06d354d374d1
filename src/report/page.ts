import { createHash } from "node:crypto";
import { Markup, markup, scriptJson } from "./markup.ts";
import { style } from "./style.ts";

/** Saves the embedded JSON; the page needs no script for anything else. */
const script = `
document.getElementById("download").addEventListener("click", (event) => {
  const text = JSON.stringify(JSON.parse(document.getElementById("data").textContent), null, 2);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = event.currentTarget.dataset.name;
  link.click();
  URL.revokeObjectURL(link.href);
});
`.trim();

const icon = encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 9l4 4 8-10" fill="none" stroke="#2458c5" stroke-width="2.5"/></svg>`,
);

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** What may load: the one style sheet and the one script below, known by their hashes, and an icon; nothing from any network. */
const policy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export interface Page {
  readonly title: string;
  readonly header: Markup;
  readonly main: Markup;
  readonly footer: Markup;
  /** offered for download as `dataName` */
  readonly data: unknown;
  readonly dataName: string;
}

/** One HTML file that needs nothing but itself. */
export function renderPage(page: Page): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${page.title}</title>
<link rel="icon" href="data:image/svg+xml,${icon}">
<style>${new Markup(style)}</style>
</head>
<body>
<header>${page.header}</header>
<main>${page.main}
<p class="screen"><button type="button" id="download" data-name="${page.dataName}">Download the figures as JSON</button></p>
</main>
<footer>${page.footer}</footer>
<script type="application/json" id="data">${scriptJson(page.data)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}
