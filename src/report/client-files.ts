import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PainnlessError } from "../errors.ts";

/** The script of a run's page and its style sheet, as the set-up made them from client/.
 *  @throws {PainnlessError} MISSING if they are not there */
export function clientFiles(): { readonly script: string; readonly style: string } {
  const [script, style] = ["js", "css"].map((extension) => {
    const path = fileURLToPath(new URL(`../../dist/report/client.${extension}`, import.meta.url));
    if (!existsSync(path))
      throw new PainnlessError(
        "MISSING",
        `${path}, the script of the page, is not there; run \`node scripts/setup.mjs\` (or \`npm start\`) to make it`,
      );
    return readFileSync(path, "utf8").trim();
  }) as [string, string];
  return { script, style };
}
