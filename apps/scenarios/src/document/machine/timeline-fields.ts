import { z } from "zod";
import { choice, quantityInput } from "../../params/builders.js";
import { fields, list, oneOf, wholeNumber } from "../fields.js";
import { MOST_CPUS } from "./host-fields.js";
import { MOST_VCPUS } from "./vm-fields.js";

/** The longest run of a document, as typed. */
export const LONGEST = "30d";
const MOST_ACTIONS = 1000;
/** A quarter of the counter's width: no sum of two of them wraps. */
const MOST_CYCLES = "4_611_686_018_427_387_904";

const at = quantityInput({ unit: "ns", min: "0ns", max: LONGEST }).describe("true time since the start");
const lasting = quantityInput({ unit: "ns", min: "1ns", max: LONGEST });
const vcpu = wholeNumber(0, MOST_VCPUS - 1).describe("the vCPU");
const cycles = quantityInput({ unit: "cycles", min: `-${MOST_CYCLES}`, max: MOST_CYCLES });
const clockTime = quantityInput({ unit: "ns", min: `-${LONGEST}`, max: LONGEST });

const action = <Name extends string, Shape extends z.core.$ZodLooseShape>(
  name: Name,
  help: string,
  shape: Shape,
) => fields({ at, do: z.literal(name).describe(help), ...shape });

const ACTIONS = [
  action("pause", "user space holds vCPUs for a time", {
    for: lasting.describe("how long"),
    vcpu: vcpu.optional().describe("which; by default all of them"),
  }),
  action("wake", "a halted vCPU is woken by what has nothing to do with its timer", { vcpu }),
  action("move-vcpu", "a vCPU's thread goes to another host CPU", {
    vcpu,
    cpu: wholeNumber(0, MOST_CPUS - 1).describe("one that no vCPU is on then"),
  }),
  action("tsc-offset", "user space changes a vCPU's TSC offset (KVM_VCPU_TSC_OFFSET)", {
    vcpu,
    by: cycles.describe("guest cycles added to it"),
  }),
  action("new-reference", "every vCPU is asked for a new reference of the master clock", {}),
  action("set-clock", "user space sets the guest's clock (KVM_SET_CLOCK)", {
    to: quantityInput({ unit: "ns", min: "0ns", max: LONGEST }).optional().describe("what it then reads"),
    by: clockTime.optional().describe("or how far that is from what KVM reads then"),
  }),
  action("ntp", "NTP holds the host's clock at another rate from now on", {
    rate: quantityInput({ unit: "ppb", min: "-100000ppm", max: "100000ppm" }).describe(
      "of CLOCK_MONOTONIC against the calibrated TSC",
    ),
  }),
  action("clocksource", "the host keeps its time by another counter from now on", {
    to: choice(["tsc", "hpet", "acpi_pm"], { default: "tsc", help: "the counter" }),
  }),
  action("host-sleep", "the host is suspended and wakes", {
    for: lasting.describe("how long"),
    tsc: choice(["counts", "stops", "resets"], {
      default: "counts",
      help: "what its TSC does meanwhile: goes on, stands still, or begins anew at 0",
    }),
  }),
] as const;

/** What may happen to a machine. */
const actionNames: readonly string[] = ACTIONS.map(({ shape }) => shape.do.value);

/** What happens to the machine, in any order. */
export const timelineFields = list(oneOf("do", actionNames, ACTIONS), {
  min: 0,
  max: MOST_ACTIONS,
  what: "actions",
})
  .prefault([])
  .describe("what happens to the machine, and when");

/** One action as read. */
export type TimelineAction = z.output<typeof timelineFields>[number];
