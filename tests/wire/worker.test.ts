import { describe } from "vitest";
import { conformance } from "./conformance.ts";
import { refusedByDistance } from "./refusals.ts";
import { serveSleepy } from "./served.ts";

describe("the Python worker", () => conformance(serveSleepy, refusedByDistance));
