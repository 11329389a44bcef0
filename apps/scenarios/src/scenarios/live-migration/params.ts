import { choice, count, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { fractionBits } from "../clock-params.js";

/** How the destination gives the vCPUs their counters back. */
export const TSC_METHODS = ["scaled-offset", "documented-offset", "absolute"] as const;
/** How it gives the guest its clock back. */
export const CLOCK_METHODS = ["set-clock", "set-clock-guest"] as const;

export type TscMethod = (typeof TSC_METHODS)[number];
export type ClockMethod = (typeof CLOCK_METHODS)[number];

export const liveMigrationParams = {
  tsc: choice(TSC_METHODS, {
    default: "scaled-offset",
    help: "how the TSC is restored: KVM_VCPU_TSC_OFFSET by the formula that scales, by the documented one, or IA32_TSC as saved",
  }),
  clock: choice(CLOCK_METHODS, {
    default: "set-clock",
    help: "how kvmclock is: KVM_SET_CLOCK with REALTIME, or KVM_SET_CLOCK_GUEST (proposed) on top of it",
  }),
  sourceKhz: quantity({
    unit: "kHz",
    default: "2.9GHz",
    min: "500MHz",
    max: "8GHz",
    help: "TSC frequency of the source host",
  }),
  guestKhz: quantity({
    unit: "kHz",
    default: "2.5GHz",
    min: "500MHz",
    max: "8GHz",
    help: "TSC frequency of the guest",
  }),
  destinationKhz: quantity({
    unit: "kHz",
    default: "3.1GHz",
    min: "500MHz",
    max: "8GHz",
    help: "TSC frequency of the destination host",
  }),
  scaling: choice(["present", "absent"], {
    default: "present",
    help: "whether the destination's hardware scales the TSC",
  }),
  fracBits: fractionBits(),
  age: quantity({
    unit: "ns",
    default: "1h",
    min: "10s",
    max: "7d",
    help: "how long the guest ran on the source, since its clock's reference",
  }),
  sourceUptime: quantity({
    unit: "ns",
    default: "82_800s",
    min: "0ns",
    max: "30d",
    help: "what the source's TSC had counted when the guest started",
  }),
  destinationUptime: quantity({
    unit: "ns",
    default: "1_000s",
    min: "10s",
    max: "30d",
    help: "what the destination's TSC has counted when the guest is restored",
  }),
  blackout: quantity({
    unit: "ns",
    default: "500ms",
    min: "0ns",
    max: "1h",
    help: "true time from the reading of the clock on the source to its restoring",
  }),
  skew: quantity({
    unit: "ns",
    default: "0ns",
    min: "-10s",
    max: "10s",
    help: "how far CLOCK_REALTIME of the destination is ahead of the source's",
  }),
  gap: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "10ms",
    help: "what passes in KVM_SET_CLOCK between its reference and its reading of CLOCK_REALTIME",
  }),
  prepared: quantity({
    unit: "ns",
    default: "2s",
    min: "1ms",
    max: "9s",
    shown: "when-set",
    help: "how long before the restoring the destination's vCPUs were created",
  }),
  vcpus: count({ default: "4", min: "2", max: "8", help: "vCPUs of the guest" }),
  writeGap: quantity({
    unit: "ns",
    default: "1ms",
    min: "0ns",
    max: "900ms",
    shown: "when-set",
    help: "between the writes of two vCPUs' IA32_TSC",
  }),
  slowKhz: quantity({
    unit: "kHz",
    default: "2.4GHz",
    min: "500MHz",
    max: "8GHz",
    shown: "when-set",
    help: "TSC frequency of a destination without scaling that is slower than the guest",
  }),
  nearKhz: quantity({
    unit: "kHz",
    default: "2_499_400kHz",
    min: "500MHz",
    max: "8GHz",
    shown: "when-set",
    help: "TSC frequency of one within the 250 ppm that KVM takes for equal",
  }),
  exitEvery: quantity({
    unit: "ns",
    default: "1ms",
    min: "10us",
    max: "50ms",
    shown: "when-set",
    help: "from exit to exit of a guest whose TSC software moves on",
  }),
  watch: quantity({
    unit: "ns",
    default: "1d",
    min: "1min",
    max: "7d",
    shown: "when-set",
    help: "how long the guest is watched on destinations without scaling",
  }),
} as const;

export type LiveMigrationParams = ParamValues<typeof liveMigrationParams>;

const NS_KHZ_PER_CYCLE = 1_000_000n;

/** Cycles of a counter of `khz` in `ns`, rounded towards zero. */
export function cyclesIn(ns: bigint, khz: bigint): bigint {
  return (ns * khz) / NS_KHZ_PER_CYCLE;
}

/** Nanoseconds in so many cycles of a counter of `khz`, rounded towards zero. */
export function nsIn(cycles: bigint, khz: bigint): bigint {
  return (cycles * NS_KHZ_PER_CYCLE) / khz;
}
