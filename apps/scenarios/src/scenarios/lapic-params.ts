import { choice, quantity } from "../params/builders.js";

/** How far off the host's clock runs, by default as a story needs it. */
export const monoRate = (byDefault: string): ReturnType<typeof quantity> =>
  quantity({
    unit: "ppb",
    default: byDefault,
    min: "-100000ppm",
    max: "100000ppm",
    help: "rate of CLOCK_MONOTONIC against the host TSC: what NTP does to it",
  });

/** Parameters the LAPIC timer stories share: the host's clocks, the guest's timer and what exits cost. */
export const hostParams = {
  hostKhz: quantity({
    unit: "kHz",
    default: "2.5GHz",
    min: "100MHz",
    max: "10GHz",
    help: "host TSC frequency as the kernel calibrated it (tsc_khz)",
  }),
  hostHz: quantity({
    unit: "Hz",
    default: { sameAs: "hostKhz", times: 1000n },
    min: "100MHz",
    max: "10GHz",
    help: "host TSC frequency as it really is",
  }),
  guestKhz: quantity({
    unit: "kHz",
    default: { sameAs: "hostKhz", times: 1n },
    min: "1MHz",
    max: "10GHz",
    help: "TSC frequency of the guest; the hardware scales if it differs by more than 250 ppm",
  }),
  monoRatePpm: monoRate("0ppm"),
  clock: choice(["exact", "tsc"], {
    shown: "when-set",
    default: "exact",
    help: "CLOCK_MONOTONIC counts ideal nanoseconds at that rate, or the TSC as NTP steers it, tick by tick",
  }),
  hz: quantity({
    shown: "when-set",
    unit: "count",
    default: "250",
    min: "100",
    max: "1000",
    help: "CONFIG_HZ of a host whose clock NTP steers: its ticks per second",
  }),
  busNs: quantity({
    shown: "when-set",
    unit: "ns",
    default: "1ns",
    min: "1ns",
    max: "33554432ns",
    help: "length of an APIC bus cycle",
  }),
  preemptionTimerShift: quantity({
    shown: "when-set",
    unit: "count",
    default: "5",
    min: "0",
    max: "31",
    help: "the preemption timer steps every 2^n TSC cycles",
  }),
  timerAdvance: choice(["off", "on"], {
    default: "off",
    help: "lapic_timer_advance: fire early and spin to the deadline; the axis advance says how it tunes",
  }),
  exitCost: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "10ms",
    help: "time a VM exit takes",
  }),
  wakeCost: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "10ms",
    help: "from a wake-up to the thread of a halted vCPU running",
  }),
  haltPoll: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "1s",
    help: "how long a halting vCPU polls before its thread sleeps; a wake-up meanwhile is free",
  }),
  entryCost: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "10ms",
    help: "time a VM entry takes",
  }),
} as const;

/** Parameters of the guest's timer. */
export const tickParams = {
  period: quantity({
    unit: "ns",
    default: "1ms",
    min: "1us",
    max: "100s",
    help: "period of the guest's timer; below 200us KVM raises it to that",
  }),
  handler: quantity({
    unit: "ns",
    default: "5us",
    min: "0ns",
    max: "1s",
    help: "time the guest takes to handle a tick",
  }),
} as const;

/** Parameters of what the guest does between ticks. */
export const loadParams = {
  half: quantity({
    shown: "when-set",
    unit: "ns",
    default: "100ms",
    min: "1us",
    max: "1h",
    help: "length of each half of an alternating load",
  }),
  first: choice(["idle", "running"], {
    shown: "when-set",
    default: "idle",
    help: "the half an alternating load begins with",
  }),
  idleModel: choice(["reentry", "software"], {
    shown: "when-set",
    default: "reentry",
    help: "alternating: each tick re-enters the guest and re-arms the preemption timer, or the idle half stays on the hrtimer",
  }),
} as const;
