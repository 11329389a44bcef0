import type { HostTsc, VcpuTsc } from "@chronovisor/clocksource";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { type Arrival, arrive } from "./arrival.js";
import { cyclesIn, type LiveMigrationParams, nsIn } from "./params.js";
import type { SavedGuest } from "./source.js";

/** Exits over the time the guest is watched: the last one at its end. */
export const EXITS_WATCHED = 24n;
/** Exits of the staircase, and how many of them are plotted. */
export const STAIRS = 100;
const STAIRS_PLOTTED = 10;
const EINVAL = 22;
const EOPNOTSUPP = 95;
const S = BigInt.asIntN;

/** A destination whose hardware does not scale the TSC. */
export interface UnscaledCase {
  readonly hostKhz: bigint;
  readonly masterClock: "on" | "off";
  /** The instant software catch-up is computed for: the kernel's, or the proposal's. */
  readonly catchup: "by-kernel" | "now";
}

/** What became of the guest there. */
export interface UnscaledOutcome extends UnscaledCase {
  /** What became of `KVM_SET_TSC_KHZ`. */
  readonly setTscKhz: FrequencySet;
  /** `KVM_GET_TSC_KHZ`. */
  readonly getTscKhz: bigint;
  /** `KVM_HC_CLOCK_PAIRING`: 0 or a negative errno. */
  readonly clockPairing: bigint;
  /** Over the watched time: TSC against the guest's frequency, cycles, and clock against true time, ns. */
  readonly tscAhead: bigint;
  readonly clockAhead: bigint;
  readonly masterClockRuns: boolean;
}

/** A guest's frequency is refused, accepted for a TSC that software moves on, or for one that runs as the host's. */
export type FrequencySet = "−EINVAL" | "catch-up" | "unscaled";

/** The destinations without scaling, in the order of the table. */
export function unscaledCases(params: LiveMigrationParams): readonly UnscaledCase[] {
  const { destinationKhz, slowKhz, nearKhz } = params;
  return [
    { hostKhz: destinationKhz, masterClock: "on", catchup: "by-kernel" },
    { hostKhz: slowKhz, masterClock: "off", catchup: "by-kernel" },
    { hostKhz: slowKhz, masterClock: "on", catchup: "by-kernel" },
    { hostKhz: slowKhz, masterClock: "on", catchup: "now" },
    { hostKhz: nearKhz, masterClock: "on", catchup: "by-kernel" },
  ];
}

/** Restores the guest on a destination without scaling. */
export function arriveUnscaled(
  saved: SavedGuest,
  params: LiveMigrationParams,
  axes: Readonly<Record<string, string>>,
  { hostKhz, masterClock, catchup }: UnscaledCase,
  openTrace?: OpenTrace,
): Arrival {
  const options = {
    axes: catchup === "now" ? { ...axes, catchup } : axes,
    hostKhz,
    scaling: "absent",
    createdAt: "host-frequency",
    vcpus: 2,
    openTrace,
  } as const;
  const method = { tsc: "scaled-offset", clock: "set-clock", skewNs: 0n, masterClock } as const;
  return arrive(saved, { ...params, gap: 0n }, options, method);
}

/** Watches the guest on a destination without scaling: exits now and then, the last at the end. */
export function watchUnscaled(
  saved: SavedGuest,
  params: LiveMigrationParams,
  axes: Readonly<Record<string, string>>,
  unscaled: UnscaledCase,
  onExit: () => void,
): UnscaledOutcome {
  const arrival = arriveUnscaled(saved, params, axes, unscaled);
  const { vm } = arrival.destination;
  const counter = counterOf(arrival);
  const [vcpu] = vm.vcpus;
  const [clock] = vm.clock.vcpus;
  if (vcpu === undefined || clock === undefined) throw new Error("watchUnscaled: the guest has no vCPU");
  let passedNs = 0n;
  for (let exit = 1n; exit <= EXITS_WATCHED; exit++) {
    passedNs = (params.watch * exit) / EXITS_WATCHED;
    exitAt(arrival, passedNs);
    onExit();
  }
  const now = vm.kvm.tsc();
  return {
    ...unscaled,
    setTscKhz: arrival.setTscKhz === -EINVAL ? "−EINVAL" : counter.alwaysCatchup ? "catch-up" : "unscaled",
    getTscKhz: BigInt(counter.virtualTscKhz),
    // Refused to a guest whose TSC software moves on (docs/model/clocksource-tsc §5.3).
    clockPairing: counter.alwaysCatchup ? BigInt(-EOPNOTSUPP) : 0n,
    tscAhead: tscAhead(arrival, passedNs, params),
    clockAhead: S(64, clock.readAt(now) - arrival.guestNs - passedNs),
    masterClockRuns: vm.clock.reference.useMasterClock,
  };
}

/** A staircase: how far the TSC is behind the guest's frequency just before and just after each exit. */
export interface Stairs {
  /** `[ns since the restoring, ns behind]`, of the first exits. */
  readonly points: ReadonlyArray<readonly [bigint, bigint]>;
  /** The most it was behind, cycles. */
  readonly mostBehind: bigint;
  /** What the first exit added, cycles. */
  readonly firstStep: bigint;
  /** What it was behind after the last exit, cycles. */
  readonly behindAtEnd: bigint;
}

/** Watches the guest's TSC from exit to exit, `exitEvery` apart. */
export function climbStairs(
  saved: SavedGuest,
  params: LiveMigrationParams,
  axes: Readonly<Record<string, string>>,
  unscaled: UnscaledCase,
  openTrace?: OpenTrace,
): Stairs {
  const arrival = arriveUnscaled(saved, params, axes, unscaled, openTrace);
  const points: (readonly [bigint, bigint])[] = [[0n, 0n]];
  let mostBehind = 0n;
  let firstStep = 0n;
  let behindAtEnd = 0n;
  for (let stair = 1; stair <= STAIRS; stair++) {
    const ns = BigInt(stair) * params.exitEvery;
    const before = -exitAt(arrival, ns, () => tscAhead(arrival, ns, params));
    behindAtEnd = -tscAhead(arrival, ns, params);
    if (before > mostBehind) mostBehind = before;
    if (stair === 1) firstStep = before - behindAtEnd;
    if (stair <= STAIRS_PLOTTED) {
      points.push([ns, nsIn(before, params.guestKhz)], [ns, nsIn(behindAtEnd, params.guestKhz)]);
    }
  }
  return { points, mostBehind, firstStep, behindAtEnd };
}

/** The guest exits `ns` after the restoring; `before` looks at it just before. */
function exitAt(arrival: Arrival, ns: bigint): void;
function exitAt<T>(arrival: Arrival, ns: bigint, before: () => T): T;
function exitAt<T>({ destination }: Arrival, ns: bigint, before?: () => T): T | undefined {
  const { host, vm, restoreTsc } = destination;
  const at = (restoreTsc + host.cycles(ns)) as HostTsc;
  host.engine.runUntil(at);
  const seen = before?.();
  vm.vcpus[0]?.kick();
  host.engine.runUntil(at);
  return seen;
}

/** The guest's TSC against one at its frequency, `ns` after the restoring, cycles. */
function tscAhead(arrival: Arrival, ns: bigint, { guestKhz }: LiveMigrationParams): bigint {
  const now = arrival.destination.vm.kvm.tsc();
  return S(64, counterOf(arrival).readL1(now) - arrival.guestTsc - cyclesIn(ns, guestKhz));
}

function counterOf({ destination }: Arrival): VcpuTsc {
  const [counter] = destination.vm.counters.vcpus;
  if (counter === undefined) throw new Error("counterOf: the guest has no vCPU");
  return counter;
}
