import type { ModelConfig } from "./config.ts";

/** Up to it the norms of PaiNN's vector features bend too sharply for a time step: the energy of trajectories walked with 1e-8, 1e-4 and, a tenth as far,
 *  1e-3, and hardly with 1e-2 and 1e-1 (docs/accuracy.md, Where the drift comes from). */
const sharpNormEps = 1e-3;

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
  const bends = sharpBends(config);
  if (bends !== null) findings.push(bends);
  if (config.units_origin === "assumed")
    findings.push(`the energy unit, ${config.energy_unit}, was assumed: the checkpoint does not state it; import again with --energy-unit`);
  return findings;
}

/** Why the energy of a trajectory would walk up and down at random however well it is integrated; null where the model is smooth, and of the student, which
 *  has no epsilon to be trained with, and does worse at the cutoff. */
export const sharpBends = ({ arch, norm_eps }: ModelConfig): string | null =>
  arch !== "painn-schnetpack" || norm_eps > sharpNormEps
    ? null
    : `bends sharply: the norms of its vector features have an epsilon of ${norm_eps}, and where one passes near zero the energy of a trajectory changes for good, by little and at random; a model trained with 1e-2 keeps it`;
