import { choice, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { tscParams } from "../clock-params.js";

export const setClockPauseParams = {
  pause: quantity({
    unit: "ns",
    default: "10ms",
    min: "0ns",
    max: "1d",
    help: "from KVM_GET_CLOCK, with the vCPUs stopped, to KVM_SET_CLOCK and their going on",
  }),
  phase: quantity({
    unit: "ns",
    default: "499.9ms",
    min: "1us",
    max: "499.99ms",
    help: "from the watchdog's last pass to the stop; just before the next one is the worst",
  }),
  set: choice(["clock", "realtime", "guest"], {
    default: "clock",
    help: "how the clock is set: to what it was, moved on by what CLOCK_REALTIME advanced, or by the guest's TSC with the ioctl proposed for it",
  }),
  flag: choice(["untold", "told", "heeded"], {
    default: "untold",
    help: "KVM_KVMCLOCK_CTRL: not called; called, but kvm-clock alone is read; called, and the guest looks before its watchdog does",
  }),
  back: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "1h",
    help: "how far before what it was the clock is set",
  }),
  gap: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "10ms",
    help: "what passes between KVM's new reference and its read of CLOCK_REALTIME (set=realtime)",
  }),
  kvmclock: choice(["new", "old"], {
    default: "new",
    shown: "when-set",
    help: "the guest's kvm-clock: one that trusts TSC_STABLE, or the first, without a master clock and clamped",
  }),
  ...tscParams({ host: "3GHz", guest: "2.5GHz" }),
  age: quantity({
    unit: "ns",
    default: "10s",
    min: "2s",
    max: "14d",
    help: "how old the clock's reference is at the stop",
  }),
} as const;

export type SetClockPauseParams = ParamValues<typeof setClockPauseParams>;
