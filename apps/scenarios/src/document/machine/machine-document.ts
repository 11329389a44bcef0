import { z } from "zod";
import { quoted } from "../../errors.js";
import { expectedOneOf, quantityInput } from "../../params/builders.js";
import { fields, list, mapOf, wholeNumber, words } from "../fields.js";
import { commonFields } from "../story-document.js";
import { hostFields } from "./host-fields.js";
import { quantityNames, quantityRule } from "./quantities.js";
import { LONGEST, timelineFields } from "./timeline-fields.js";
import { MOST_VCPUS, vmList } from "./vm-fields.js";

/** A name that a condition can begin with. */
const NAME = /^[A-Za-z]\w*$/;

const observation = fields({
  quantity: z
    .enum(quantityNames, { error: ({ input }) => expectedOneOf(quantityNames, input) })
    .describe("what is looked at")
    .meta({ enumDescriptions: quantityNames.map((name) => quantityRule(name).help) }),
  vcpu: wholeNumber(0, MOST_VCPUS - 1)
    .optional()
    .describe("of which vCPU; it may be left out where there is one"),
  at: quantityInput({ unit: "ns", min: "0ns", max: LONGEST })
    .optional()
    .describe("when, in true time since the start; by default at the end of the run"),
});

const { chronovisor, title, kernel, seed, expect } = commonFields;

/** A document that describes a whole machine. */
export const machineSchema = fields({
  chronovisor,
  title,
  kernel,
  compare: list(words("a release, with overrides after +"), { min: 2, max: 26, what: "kernels" })
    .optional()
    .describe("the kernels that `chronovisor compare` sets side by side, oldest first"),
  seed,
  host: hostFields,
  vms: vmList,
  timeline: timelineFields,
  duration: quantityInput({ unit: "ns", min: "1us", max: LONGEST }).describe(
    "how long it runs, in true time: a sleep of the host counts",
  ),
  observe: mapOf(
    "observations",
    z.string().regex(NAME, {
      error: ({ input }) => `expected a name of letters, digits and _, got ${quoted(input)}`,
    }),
    observation,
  ).describe("what is measured, by the name that expectations call it; the first is the headline"),
  expect,
}).meta({ title: "a machine" });

/** A machine document as read: every quantity is a number. */
export type MachineDocument = z.output<typeof machineSchema>;

/** One observation as read. */
export type ObservationFields = z.output<typeof observation>;
