import { choice, onOff, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { hostParams, loadParams, tickParams } from "../lapic-params.js";

export const longStopParams = {
  stop: quantity({
    unit: "ns",
    // Six hours at 1 kHz and 500 ns a callback is the shortest round figure past a 10 s watchdog: 20 000 s is the limit.
    default: "6h",
    min: "0ns",
    max: "30d",
    help: "how old the expired target is when KVM first looks at it again",
  }),
  ...tickParams,
  callbackCost: quantity({
    unit: "ns",
    default: "500ns",
    min: "0ns",
    max: "10ms",
    help: "time one hrtimer callback takes",
  }),
  reexit: quantity({
    shown: "when-set",
    unit: "ns",
    default: "1us",
    min: "0ns",
    max: "1ms",
    help: "from an entry with the preemption timer at zero to the exit it forces",
  }),
  minDelta: quantity({
    shown: "when-set",
    unit: "ns",
    default: "1us",
    min: "0ns",
    max: "1ms",
    help: "shortest time the clock event device can be set to",
  }),
  watchdog: quantity({
    unit: "ns",
    default: "10s",
    min: "1ms",
    max: "1h",
    help: "time with interrupts off that the hard lockup detector calls a lockup",
  }),
  guestUptime: quantity({
    unit: "ns",
    default: "1h",
    min: "0ns",
    max: "3650d",
    help: "guest TSC at the first exit after the stop, as time; a longer stop begins at 0 instead",
  }),
  apicv: onOff({ default: "off", help: "the hardware delivers interrupts without exits" }),
  stopped: choice(["vcpu", "cpu"], {
    shown: "when-set",
    default: "vcpu",
    help: "what stands still: the vCPU in user space, or its host CPU with interrupts off",
  }),
  fault: choice(["none", "zero-period"], {
    shown: "when-set",
    default: "none",
    help: "a bug elsewhere: the period becomes 0 behind the armed timer's back; shown without the stop",
  }),
  load: choice(["idle", "alternating", "running"], {
    default: "running",
    help: "after its first tick the guest halts between ticks, halts and runs in turn, or runs",
  }),
  ...hostParams,
  ...loadParams,
} as const;

export type LongStopParams = ParamValues<typeof longStopParams>;
