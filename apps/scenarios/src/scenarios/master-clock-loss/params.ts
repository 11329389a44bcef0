import { choice, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { tscParams } from "../clock-params.js";

export const masterClockLossParams = {
  cause: choice(["all", "offset", "tsc-write", "tsc-adjust", "old-msr", "clocksource", "hotplug"], {
    default: "all",
    help: "what happens to a VM on a master clock; all: each of them, to a VM of its own",
  }),
  age: quantity({
    unit: "ns",
    default: "1000s",
    min: "1s",
    max: "7d",
    help: "how long after the VM's start, and its clock's reference",
  }),
  dwell: quantity({
    unit: "ns",
    default: "250s",
    min: "1s",
    max: "7d",
    help: "how long it is left so, before what undoes it",
  }),
  offset: quantity({
    unit: "cycles",
    default: "1cycles",
    min: "1cycles",
    max: "1_000_000_000_000cycles",
    help: "by how much user space sets a vCPU's TSC offset off",
  }),
  written: quantity({
    unit: "cycles",
    default: "1_000_000_000cycles",
    min: "1cycles",
    max: "1_000_000_000_000cycles",
    help: "how much the guest adds to vCPU 1's TSC, or its TSC_ADJUST",
  }),
  gap: quantity({
    unit: "ns",
    default: "100ns",
    min: "0ns",
    max: "100us",
    help: "what passes between KVM's reads of TSC and clock for vCPU 1, where one read does not give both",
  }),
  nextExit: quantity({
    shown: "when-set",
    unit: "ns",
    default: "4ms",
    min: "1ms",
    max: "20ms",
    help: "how long vCPU 0 runs on, where nobody kicks it; vCPU 1 twice as long",
  }),
  ...tscParams({ host: "2.5GHz", guest: "as-host" }),
} as const;

export type MasterClockLossParams = ParamValues<typeof masterClockLossParams>;
