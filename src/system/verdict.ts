import { z } from "zod";

export const verdictSchema = z.enum(["pass", "fail"]);
export type Verdict = z.infer<typeof verdictSchema>;
