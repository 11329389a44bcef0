import { z } from "zod";
import { quoted } from "../errors.js";
import { fields, list, mapOf, wholeNumber, words } from "./fields.js";

/** The version of the format, which every document begins with. */
export const DOCUMENT_VERSION = 1;

const MOST_EXPECTATIONS = 1000;

/** A kernel: a release, possibly with behaviours overridden. */
const kernelSchema = z
  .union(
    [
      z.string().describe("a release, with overrides after +: v4.16, v6.12.64, v7.3 + guestKhz=hz"),
      fields({
        release: words("a release: v4.16, v6.12.64"),
        set: mapOf("behaviours", z.string(), words("the behaviour's value"))
          .optional()
          .describe("behaviours that differ from it, by axis"),
      }),
    ],
    {
      error: ({ input }) =>
        `expected a release such as v6.12, or a map of release and set, got ${quoted(input)}`,
    },
  )
  .describe("the kernel to run as; `chronovisor kernels` lists releases and axes");

/** What every document has. */
export const commonFields = {
  chronovisor: z.literal(DOCUMENT_VERSION).describe("version of this format"),
  title: words("what the document shows, for its report").optional(),
  kernel: kernelSchema.optional(),
  seed: wholeNumber(0, 2 ** 32 - 1)
    .optional()
    .describe("seed of the run's random numbers; 1 by default"),
  expect: list(words("one comparison, or several joined by &&"), {
    min: 0,
    max: MOST_EXPECTATIONS,
    what: "comparisons such as late <= 10ns",
  })
    .optional()
    .describe(
      "what must hold, one comparison each: an observation, an operator, a value with its unit (late <= 10ns)",
    ),
} as const;

/** A document that runs one of the built-in stories. */
export const storySchema = fields({
  ...commonFields,
  scenario: words("a built-in scenario; `chronovisor list` shows them"),
  params: mapOf(
    "parameters",
    z.string(),
    z.union([z.string(), z.int()], {
      error: ({ input }) => `expected text such as 10ms, or a whole number, got ${quoted(input)}`,
    }),
  )
    .optional()
    .describe("parameters by name, as typed after --set: 10ms, 2.5GHz, -50ppm"),
}).meta({ title: "a built-in story" });

/** A story document as written. */
export type StoryDocument = z.infer<typeof storySchema>;
