import { choice, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { fractionBits, tscParams } from "../clock-params.js";

export const xenAccuracyParams = {
  ...tscParams({ host: "3GHz", guest: "2.5GHz" }),
  fracBits: fractionBits("always"),
  hostTsc: quantity({
    unit: "cycles",
    default: "24_312_283_136cycles",
    min: "0cycles",
    max: "30_000_000_000_000_000cycles",
    help: "host TSC at which the guest sets its timer",
  }),
  age: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "30d",
    help: "how long after the last clock update it does instead; 0 leaves it to hostTsc",
  }),
  referenceTsc: quantity({
    unit: "cycles",
    default: "0cycles",
    min: "0cycles",
    max: "30_000_000_000_000_000cycles",
    help: "host TSC of the guest's start, and of its clock's reference",
  }),
  request: quantity({
    unit: "ns",
    default: "100us",
    min: "1us",
    max: "10s",
    help: "how far ahead the guest sets its timer",
  }),
  gap: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "1s",
    help: "what passes between two reads of clocks that the host takes for one instant",
  }),
  fallback: choice(["none", "no-tsc-read", "no-clock-page"], {
    default: "none",
    shown: "when-set",
    help: "what the host lacks: a clock on the TSC to read it with, or a page it published for this vCPU",
  }),
  reset: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "30d",
    help: "when the host takes a new reference for the guest's clock (MASTERCLOCK_UPDATE); 0 never",
  }),
  handler: quantity({
    unit: "ns",
    default: "1us",
    min: "100ns",
    max: "1ms",
    shown: "when-set",
    help: "from an interrupt to the guest looking whether its time has come",
  }),
} as const;

export type XenAccuracyParams = ParamValues<typeof xenAccuracyParams>;
