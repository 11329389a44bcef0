/** What a document may observe of its machine. */
import type { ObservationSpec } from "../../scenario/types.js";
import type { WatchedMachine, WatchedVcpu } from "./watched-machine.js";

const S64 = (x: bigint): bigint => BigInt.asIntN(64, x);
const NS_PER_S = 1_000_000_000n;

interface Said extends Pick<ObservationSpec, "unit" | "title" | "signed"> {
  /** What it is, where the title leaves that open. */
  readonly help: string;
}

/** A quantity of the whole machine. */
interface OfMachine extends Said {
  readonly of: "machine";
  readonly read: (machine: WatchedMachine) => bigint | boolean;
}

/** A quantity of one vCPU. */
interface OfVcpu extends Said {
  readonly of: "vcpu";
  /** The programs it means something for; absent, all of them. */
  readonly programs?: readonly string[];
  readonly read: (watched: WatchedVcpu, machine: WatchedMachine) => bigint | boolean;
}

/** A quantity that can be observed. */
export type QuantityRule = OfMachine | OfVcpu;

const TIMERS = ["periodic-timer", "one-shot-timer", "deadline-timer"];
const PERIODIC = ["periodic-timer"];

function due({ periodNs = 1n }: WatchedVcpu, { host }: WatchedMachine): bigint {
  return host.clock.monotonicNs() / periodNs;
}

/** The guest's TSC counts as its guest takes them, ns since the start. */
function tscNs({ clocks, tscHz, startTsc }: WatchedVcpu, { host }: WatchedMachine): bigint {
  return (S64(clocks.counter.readL1(host.engine.now) - startTsc) * NS_PER_S) / tscHz;
}

function trueNs({ host }: WatchedMachine): bigint {
  return host.trueNs(host.engine.now);
}

function first({ vcpus }: WatchedMachine): WatchedVcpu {
  const [boot] = vcpus;
  if (boot === undefined) throw new Error("quantities: expected a vCPU");
  return boot;
}

const kvmclock = ({ clocks }: WatchedVcpu, { host }: WatchedMachine): bigint =>
  clocks.clock.readAt(host.engine.now);

const counter =
  (read: (watched: WatchedVcpu) => number): OfVcpu["read"] =>
  (watched) =>
    BigInt(read(watched));

/** Every quantity by its name in a document. */
const QUANTITIES = {
  "ticks-seen": {
    of: "vcpu",
    unit: "count",
    title: "ticks seen",
    help: "timer interrupts the guest took",
    programs: TIMERS,
    read: counter(({ vcpu }) => vcpu.counters.seen),
  },
  "ticks-due": {
    of: "vcpu",
    unit: "count",
    title: "ticks due",
    help: "periods of the timer since the start, by the host's CLOCK_MONOTONIC",
    programs: PERIODIC,
    read: due,
  },
  "ticks-lost": {
    of: "vcpu",
    unit: "count",
    title: "ticks lost",
    help: "ticks due less ticks seen",
    programs: PERIODIC,
    read: (watched, machine) => due(watched, machine) - BigInt(watched.vcpu.counters.seen),
  },
  "longest-gap": {
    of: "vcpu",
    unit: "ns",
    title: "longest gap between ticks",
    help: "the longest true time between two timer interrupts the guest took, or from the start to the first",
    programs: TIMERS,
    read: ({ ticks }) => ticks.longestGapNs,
  },
  "longest-latency": {
    of: "vcpu",
    unit: "ps",
    title: "longest tick latency",
    help: "the longest from a timer's due instant to the guest taking its interrupt",
    programs: TIMERS,
    read: ({ vcpu }, { host }) => host.picoseconds(vcpu.counters.longestLat),
  },
  "deadline-error": {
    of: "vcpu",
    unit: "cycles",
    title: "furthest from a deadline",
    help: "guest's TSC less the deadline when its timer expired, the one furthest off; negative is early",
    signed: true,
    programs: ["deadline-timer"],
    read: ({ log }) => log.deadlineError,
  },
  "hrtimer-callbacks": {
    of: "vcpu",
    unit: "count",
    title: "expiries by hrtimer",
    help: "expiries that an hrtimer of the host brought",
    programs: TIMERS,
    read: counter(({ vcpu }) => vcpu.counters.cb),
  },
  "preemption-timer-exits": {
    of: "vcpu",
    unit: "count",
    title: "expiries by preemption timer",
    help: "expiries that the VMX preemption timer brought",
    programs: TIMERS,
    read: counter(({ vcpu }) => vcpu.counters.hvExp),
  },
  "deadline-lag": {
    of: "vcpu",
    unit: "ps",
    title: "lag of the hrtimer's deadline",
    help: "how far the hrtimer's deadline lies behind the preemption timer's",
    signed: true,
    programs: PERIODIC,
    read: ({ vcpu }, { host }) => host.picoseconds(vcpu.counters.lag),
  },
  exits: {
    of: "vcpu",
    unit: "count",
    title: "VM exits",
    help: "VM exits",
    read: counter(({ vcpu }) => vcpu.counters.exits),
  },
  kvmclock: {
    of: "vcpu",
    unit: "ns",
    title: "kvmclock",
    help: "what the vCPU's kvmclock reads, before any clamp of the guest",
    read: kvmclock,
  },
  "kvmclock-error": {
    of: "vcpu",
    unit: "ns",
    title: "kvmclock ahead of true time",
    help: "kvmclock less true time since the start",
    signed: true,
    read: (watched, machine) => S64(kvmclock(watched, machine) - trueNs(machine)),
  },
  "kvmclock-lead": {
    of: "vcpu",
    unit: "ns",
    title: "kvmclock ahead of KVM's own reckoning",
    help: "kvmclock less what KVM itself computes for the same instant (KVM_GET_CLOCK)",
    signed: true,
    read: ({ clocks }, { host }) => clocks.clock.aheadOfHostNs(host.engine.now),
  },
  "kvmclock-apart": {
    of: "vcpu",
    unit: "ns",
    title: "kvmclock ahead of vCPU 0's",
    help: "kvmclock less vCPU 0's at the same instant",
    signed: true,
    read: (watched, machine) => S64(kvmclock(watched, machine) - kvmclock(first(machine), machine)),
  },
  "backward-steps": {
    of: "vcpu",
    unit: "count",
    title: "backward steps read",
    help: "readings of the guest that were less than one made before, on any vCPU",
    programs: ["clock-reader"],
    read: ({ log }) => log.backwardSteps,
  },
  "furthest-back": {
    of: "vcpu",
    unit: "ns",
    title: "furthest step back",
    help: "the most that such a reading was less",
    programs: ["clock-reader"],
    read: ({ log }) => log.furthestBack,
  },
  "tsc-error": {
    of: "vcpu",
    unit: "ns",
    title: "guest's TSC ahead of true time",
    help: "the guest's TSC since the start, taken at the VM's nominal frequency, less true time",
    signed: true,
    read: (watched, machine) => tscNs(watched, machine) - trueNs(machine),
  },
  "tsc-apart": {
    of: "vcpu",
    unit: "cycles",
    title: "guest's TSC ahead of vCPU 0's",
    help: "guest's TSC less vCPU 0's at the same instant",
    signed: true,
    read: ({ clocks }, machine) => {
      const { now } = machine.host.engine;
      return S64(clocks.counter.readL1(now) - first(machine).clocks.counter.readL1(now));
    },
  },
  "tsc-unstable": {
    of: "vcpu",
    unit: "flag",
    title: "guest gave its TSC up",
    help: "whether the guest's clocksource watchdog marked its TSC unstable",
    programs: ["clocksource-watchdog"],
    read: ({ log }) => log.tscUnstable,
  },
  "master-clock": {
    of: "machine",
    unit: "flag",
    title: "master clock",
    help: "whether all vCPUs read one reference (use_master_clock)",
    read: ({ vm }) => vm.clock.reference.useMasterClock,
  },
  "global-updates": {
    of: "machine",
    unit: "count",
    title: "global clock updates",
    help: "times all vCPUs were told to update their clocks",
    read: ({ vm }) => BigInt(vm.globalUpdates),
  },
  "monotonic-error": {
    of: "machine",
    unit: "ns",
    title: "CLOCK_MONOTONIC ahead of true time",
    help: "the host's CLOCK_MONOTONIC less true time since the start; it does not count a sleep",
    signed: true,
    read: (machine) => machine.host.clock.monotonicNs() - trueNs(machine),
  },
} as const satisfies Readonly<Record<string, QuantityRule>>;

/** The name of a quantity. */
type QuantityName = keyof typeof QUANTITIES;

/** Every name, in the order a list shows them. */
export const quantityNames = Object.keys(QUANTITIES) as [QuantityName, ...QuantityName[]];

/** The quantity called `name`. */
export function quantityRule(name: QuantityName): QuantityRule {
  return QUANTITIES[name];
}
