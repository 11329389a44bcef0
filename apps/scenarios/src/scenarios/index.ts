import type { ScenarioDefinition } from "../scenario/types.js";
import { periodicDrift } from "./periodic-drift/index.js";

/** Every scenario, in the order a list shows them. */
export const scenarios: readonly ScenarioDefinition[] = [periodicDrift as unknown as ScenarioDefinition];
