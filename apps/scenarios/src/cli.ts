#!/usr/bin/env node
import { runProcess } from "./cli/run-process.js";
import { scenarios } from "./scenarios/index.js";

// Beside this module once built: see the entries of tsup.config.ts.
await runProcess(process, scenarios, new URL("./worker.js", import.meta.url));
