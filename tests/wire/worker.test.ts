import { describe } from "vitest";
import { conformance, refusedByDistance } from "./conformance.ts";
import { serveSleepy } from "./served.ts";

describe("the Python worker", () => conformance(serveSleepy, refusedByDistance));
