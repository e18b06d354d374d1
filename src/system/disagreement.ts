import type { z } from "zod";

/** Where data are not of their schema, and how, in one line. */
export const disagreement = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");
