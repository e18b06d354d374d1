import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineCommand } from "citty";
import { PainnlessError } from "../errors.ts";
import { probeBuild } from "./doctor/build.ts";
import { type Finding, isMissing } from "./doctor/finding.ts";
import { probeGpu } from "./doctor/gpu.ts";
import { probeMachine } from "./doctor/machine.ts";
import { probePython } from "./doctor/python.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** `painnless doctor`: what was found on this machine, what is missing, and the command that mends it. */
export const doctorCommand = defineCommand({
  meta: { name: "doctor", description: "What was found on this machine, what is missing and what mends it" },
  args: { json: { type: "boolean", description: "Print the findings as JSON", default: false } },
  async run({ args }) {
    const findings = await examine();
    const missing = findings.filter(isMissing);
    process.stdout.write(args.json ? `${JSON.stringify(toJson(findings), null, 2)}\n` : toText(findings));
    if (missing.length > 0)
      throw new PainnlessError(
        "MISSING",
        `this machine lacks ${missing.map(({ name }) => name).join(", ")}; the lines marked "missing" say what mends it`,
      );
  },
});

async function examine(): Promise<Finding[]> {
  const [machine, build, { python, findings }] = await Promise.all([probeMachine(root), probeBuild(), probePython()]);
  return [...machine, ...build, ...findings, ...(await probeGpu(python, join(root, "models/ethanol.safetensors")))];
}

const toJson = (findings: readonly Finding[]) => ({ format: "painnless.doctor/1", ready: !findings.some(isMissing), findings });

function toText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap((finding, k) => {
    const state = isMissing(finding) ? "missing" : (finding.found ?? "not found");
    const heading = finding.group === findings[k - 1]?.group ? [] : [...(k === 0 ? [] : [""]), finding.group];
    const remedy = finding.remedy === null ? [] : [`  ${"".padEnd(width)}  -> ${finding.remedy}`];
    return [...heading, `  ${finding.name.padEnd(width)}  ${state}`, ...remedy];
  });
  return `${lines.join("\n")}\n`;
}
