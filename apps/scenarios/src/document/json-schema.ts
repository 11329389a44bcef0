import { z } from "zod";
import { storySchema } from "./story-document.js";

/** The JSON Schema of scenario documents, draft 2020-12: what an editor completes by. */
export function documentJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(storySchema, { io: "input" }) as Record<string, unknown>;
  return {
    $schema,
    title: "chronovisor scenario document",
    description: "A scenario of virtual machine time: what is run, on which kernel, and what must hold.",
    ...schema,
  };
}
