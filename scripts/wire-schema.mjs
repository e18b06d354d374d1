#!/usr/bin/env node
/** Writes the JSON Schema of the wire, generated from src/wire/messages.ts, to where Python reads it. Run after `npm run build`. */
import { writeFileSync } from "node:fs";
import { messageJsonSchema } from "../dist/wire/messages.js";

const target = new URL("../python/painnless/wire_schema.json", import.meta.url);
writeFileSync(target, `${JSON.stringify(messageJsonSchema(), null, 1)}\n`);
