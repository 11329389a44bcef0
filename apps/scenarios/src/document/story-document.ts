import { z } from "zod";
import { fields, words } from "./fields.js";

/** The version of the format, which every document begins with. */
export const DOCUMENT_VERSION = 1;

/** A kernel: a release, possibly with behaviours overridden. */
const kernelSchema = z
  .union([
    z.string().describe("a release, with overrides after +: v4.16, v6.12.64, v7.3 + guestKhz=hz"),
    fields({
      release: z.string().describe("a release: v4.16, v6.12.64"),
      set: z.record(z.string(), z.string()).optional().describe("behaviours that differ from it, by axis"),
    }),
  ])
  .describe("the kernel to run as; `chronovisor kernels` lists releases and axes");

/** What every document has. */
export const commonFields = {
  chronovisor: z.literal(DOCUMENT_VERSION).describe("version of this format"),
  title: words("what the document shows, for its report").optional(),
  kernel: kernelSchema.optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional()
    .describe("seed of the run's random numbers; 1 by default"),
  expect: z
    .array(z.string())
    .optional()
    .describe(
      "what must hold, one comparison each: an observation, an operator, a value with its unit (late <= 10ns)",
    ),
} as const;

/** A document that runs one of the built-in stories. */
export const storySchema = fields({
  ...commonFields,
  scenario: words("a built-in scenario; `chronovisor list` shows them"),
  params: z
    .record(z.string(), z.union([z.string(), z.int()]))
    .optional()
    .describe("parameters by name, as typed after --set: 10ms, 2.5GHz, -50ppm"),
}).meta({ title: "a built-in story" });

/** A story document as written. */
export type StoryDocument = z.infer<typeof storySchema>;
