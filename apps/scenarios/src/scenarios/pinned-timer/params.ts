import { choice, count, cpuList, onOff, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";

export const pinnedTimerParams = {
  mode: choice(["one-shot", "periodic"], {
    default: "one-shot",
    help: "the guest arms a one-shot timer again and again, or a periodic one once",
  }),
  timers: count({
    default: "2000",
    min: "1",
    max: "1000000",
    help: "timers to expire: one-shot arms, or periods",
  }),
  delta: quantity({
    unit: "ns",
    default: "1ms",
    min: "1us",
    max: "10s",
    help: "from arming to expiry, or the period",
  }),
  guest: choice(["spins", "halts"], {
    default: "spins",
    help: "while it waits the guest runs without an exit of its own, or halts",
  }),
  cpus: count({ default: "4", min: "2", max: "64", help: "CPUs of the host" }),
  nohzFull: cpuList({
    default: "1-3",
    help: "CPUs without a tick (nohz_full=), whose timers go to the others",
  }),
  vcpuCpu: count({ default: "1", min: "0", max: "63", help: "the CPU the vCPU's thread begins on" }),
  hog: onOff({ default: "on", help: "other work keeps the housekeeping CPUs busy, so that they tick" }),
  tick: quantity({
    unit: "ns",
    default: "4ms",
    min: "100us",
    max: "100ms",
    help: "tick of a busy housekeeping CPU (1/HZ)",
  }),
  residual: quantity({
    unit: "ns",
    default: "1s",
    min: "1ms",
    max: "1h",
    help: "tick that a nohz_full CPU keeps: the exit a running guest cannot avoid",
  }),
  exitCost: quantity({ unit: "ns", default: "1us", min: "0ns", max: "10ms", help: "time a VM exit takes" }),
  exitJitter: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "10ms",
    help: "the most an exit takes beyond that, with a long tail: half within a sixteenth of it",
  }),
  entryCost: quantity({ unit: "ns", default: "1us", min: "0ns", max: "10ms", help: "time a VM entry takes" }),
  ipiCost: quantity({
    unit: "ns",
    default: "1us",
    min: "0ns",
    max: "10ms",
    help: "from an interrupt sent to another CPU to its arrival",
  }),
  moveEvery: quantity({
    shown: "when-set",
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "1h",
    help: "how often the scheduler moves the vCPU's thread to the next nohz_full CPU; 0 never",
  }),
  steal: quantity({
    shown: "when-set",
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "10s",
    help: "how long other work takes the vCPU's CPU each time it does; 0 never",
  }),
  stealEvery: quantity({
    shown: "when-set",
    unit: "ns",
    default: "100ms",
    min: "1us",
    max: "1h",
    help: "how long the vCPU keeps its CPU in between, on average",
  }),
  unplugAt: quantity({
    shown: "when-set",
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "30d",
    help: "when the vCPU's CPU goes offline, its thread to the next one; 0 never",
  }),
  inhibitAt: quantity({
    shown: "when-set",
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "30d",
    help: "when the guest changes its xAPIC id, so that APICv and posting end; 0 never",
  }),
  hostKhz: quantity({
    shown: "when-set",
    unit: "kHz",
    default: "2.5GHz",
    min: "100MHz",
    max: "10GHz",
    help: "host TSC frequency",
  }),
} as const;

export type PinnedTimerParams = ParamValues<typeof pinnedTimerParams>;
