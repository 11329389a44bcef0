import { choice, count, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";

export const tscWatchdogParams = {
  hostKhz: quantity({
    unit: "kHz",
    default: "2502250kHz",
    min: "100MHz",
    max: "10GHz",
    help: "TSC frequency of the host the guest came to",
  }),
  guestKhz: quantity({
    unit: "kHz",
    default: "2.5GHz",
    min: "100MHz",
    max: "10GHz",
    help: "TSC frequency that user space asks for, the one it came from",
  }),
  scaling: choice(["absent", "present"], {
    default: "absent",
    help: "whether the host's hardware scales the guest's TSC",
  }),
  calibration: choice(["kept", "kvm-clock"], {
    default: "kept",
    help: "what the guest takes its TSC for: what user space asks for, or what kvm-clock's multiplier on this host stands for",
  }),
  maxSkew: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "1ms",
    help: "the guest's CONFIG_CLOCKSOURCE_WATCHDOG_MAX_SKEW_US, from 50us; 0 is its kernel's default",
  }),
  readDelay: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "100ms",
    help: "what passes between the watchdog's two reads of kvm-clock around the TSC's",
  }),
  backDelay: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "100ms",
    help: "what passes between its second read of kvm-clock and its third, right after",
  }),
  delayed: choice(["every-try", "first-try"], {
    default: "every-try",
    shown: "when-set",
    help: "which tries of a pass are delayed so",
  }),
  cpus: count({
    default: "4",
    min: "1",
    max: "256",
    shown: "when-set",
    help: "CPUs of the guest, which bound the tries: half their binary logarithm, and two",
  }),
  length: quantity({
    unit: "ns",
    default: "10m",
    min: "2s",
    max: "12h",
    help: "how long the guest is followed",
  }),
} as const;

export type TscWatchdogParams = ParamValues<typeof tscWatchdogParams>;
