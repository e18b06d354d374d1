import type { ModelConfig } from "./config.ts";

/** What a user of the model should know: defects that are the model's, not the engine's, and what was assumed. One sentence each. */
export function findingsOf(config: ModelConfig): string[] {
  const findings: string[] = [];
  if (!config.equivariant)
    findings.push(
      "not rotation equivariant: it mixes the components x, y and z of its vector features, so energy and forces depend on orientation",
    );
  if (!config.continuous_at_cutoff)
    findings.push(`discontinuous at the cutoff: its energy jumps when a pair crosses ${config.cutoff} Å, so MD does not conserve energy`);
  if (!config.pbc_supported)
    findings.push("for molecules only: it was made without periodic boundaries, and periodic structures are refused");
  if (config.units_origin === "assumed")
    findings.push(`the energy unit, ${config.energy_unit}, was assumed: the checkpoint does not state it; import again with --energy-unit`);
  return findings;
}
