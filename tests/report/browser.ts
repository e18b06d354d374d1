import { type Browser, chromium, type Page } from "playwright-core";
import { chromiumPath } from "../../scripts/setup/chromium.mjs";

/** null where there is none: the tests that need it say so. */
export const browserPath = chromiumPath();

const quiet = [
  // WebGL by the processor, and only it: drawing the page that way too takes seconds.
  ...["--no-sandbox", "--headless", "--disable-gpu", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** @param flags of Chromium's, beside the usual */
export function launchBrowser(executablePath: string, flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath, args: [...quiet, ...flags] });
}

export interface Visit {
  readonly page: Page;
  /** console errors, exceptions and violations of the content-security policy */
  readonly complaints: string[];
  /** every address asked for */
  readonly requests: string[];
}

/** Opens a file of this machine and listens from the first moment. */
export async function visit(browser: Browser, path: string, settings: Parameters<Browser["newContext"]>[0] = {}): Promise<Visit> {
  const context = await browser.newContext({ offline: true, ...settings });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    // Of the processor's WebGL, about itself.
    if (message.text().includes("GPU stall due to ReadPixels")) return;
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(`file://${path}`);
  return { page, complaints, requests };
}
