import { choice, count, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { fractionBits, tscParams } from "../clock-params.js";

export const hostSuspendParams = {
  tsc: choice(["counts", "resets", "stops"], {
    default: "resets",
    help: "what the host's TSC does while the host sleeps: counts on, begins anew at resetTo, or stops; the tables show all three",
  }),
  sleep: quantity({
    unit: "ns",
    default: "1h",
    min: "1s",
    max: "30d",
    help: "how long the host sleeps",
  }),
  age: quantity({
    unit: "ns",
    default: "50min",
    min: "20s",
    max: "14d",
    help: "how long after the guest's start, and the reference of its clock, the host goes to sleep",
  }),
  resetTo: quantity({
    unit: "cycles",
    default: "5_000_000_000cycles",
    min: "0cycles",
    max: "1_000_000_000_000_000cycles",
    help: "what a TSC that begins anew reads as KVM looks at it",
  }),
  reference: quantity({
    unit: "ns",
    default: "10min",
    min: "5s",
    max: "14d",
    help: "how long after waking something takes a new reference for the guest's clock",
  }),
  wait: quantity({
    unit: "ns",
    default: "1s",
    min: "1ms",
    max: "4s",
    help: "length of a TSC deadline of the guest, half of it over when the host goes to sleep",
  }),
  period: quantity({
    unit: "ns",
    default: "10ms",
    min: "1ms",
    max: "100ms",
    help: "period of a LAPIC timer of the guest, half of one over when the host goes to sleep",
  }),
  ...tscParams({ host: "3GHz", guest: "2.5GHz" }),
  fracBits: fractionBits(),
  vcpus: count({
    default: "2",
    min: "2",
    max: "8",
    shown: "when-set",
    help: "vCPUs of the guest: the first waits for the deadline, the second takes the ticks",
  }),
} as const;

export type HostSuspendParams = ParamValues<typeof hostSuspendParams>;
