import { z } from "zod";
import { machineSchema } from "./machine/machine-document.js";
import { storySchema } from "./story-document.js";

/** The JSON Schema of scenario documents of both kinds, draft 2020-12: what an editor completes by. */
export function documentJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(z.union([storySchema, machineSchema]), {
    io: "input",
  }) as Record<string, unknown>;
  return {
    $schema,
    title: "chronovisor scenario document",
    description: "A scenario of virtual machine time: what is run, on which kernel, and what must hold.",
    ...schema,
  };
}
