import {
  documentedTscOffset,
  KVM_CLOCK_REALTIME,
  MSR_KVM_SYSTEM_TIME_NEW,
  scaledTscOffset,
} from "@chronovisor/pvclock";
import type { Destination } from "./destination.js";
import type { ClockMethod, LiveMigrationParams, TscMethod } from "./params.js";
import { pairOf, type SavedGuest } from "./source.js";

const NS_PER_S = 1_000_000_000n;
const U = BigInt.asUintN;

/** How a guest is restored. */
export interface RestoreMethod {
  readonly tsc: TscMethod;
  readonly clock: ClockMethod;
  /** How far CLOCK_REALTIME of the destination is ahead of the source's, ns. */
  readonly skewNs: bigint;
  /** `off`: the last vCPU's counter comes a cycle after the others', and no master clock holds them together. */
  readonly masterClock: "on" | "off";
}

/** What the destination's KVM answered. */
export interface Restored {
  /** `KVM_SET_TSC_KHZ`: 0 or a negative errno. A user space that goes on all the same is assumed. */
  readonly setTscKhz: number;
  /** The offset written; undefined where IA32_TSC was written instead. */
  readonly offset: bigint | undefined;
  /** `KVM_SET_CLOCK_GUEST`: 0 or a negative errno; undefined where it was not tried. */
  readonly setClockGuest: number | undefined;
}

/**
 * Restores clock and counters as user space does, by docs/model/pvclock §8.1: frequency, clock, counters by a second reading
 * of the clock, and then, if it is to be, the clock again by the structure the guest reads it by.
 */
export function restoreGuest(
  destination: Destination,
  saved: SavedGuest,
  method: RestoreMethod,
  params: LiveMigrationParams,
): Restored {
  const { vm } = destination;
  synchroniseRealtime(destination, saved.clock.realtime + params.blackout + method.skewNs);
  const results = vm.counters.vcpus.map((counter) => counter.ioctlSetTscKhz(BigInt(saved.tscKhz)));
  setClock(destination, saved, params.gap);
  const offset = restoreCounters(destination, saved, method, params);
  const [first] = vm.clock.vcpus;
  const { clockGuest } = saved;
  const setClockGuest =
    method.clock === "set-clock" || first === undefined
      ? undefined
      : typeof clockGuest === "number"
        ? clockGuest
        : vm.clock.setClockGuest(first, clockGuest);
  vm.memory.at(0n, saved.memory.length).set(saved.memory);
  for (const clock of vm.clock.vcpus) {
    clock.wrmsr(MSR_KVM_SYSTEM_TIME_NEW, saved.systemTimeMsrs[clock.id] ?? 0n, "host");
  }
  return { setTscKhz: results[0] ?? 0, offset, setClockGuest };
}

/** An NTP daemon has done its work: CLOCK_REALTIME is what it is to be in this instant. */
function synchroniseRealtime({ host }: Destination, ns: bigint): void {
  host.clock.timekeeper.settimeofday({ sec: ns / NS_PER_S, nsec: ns % NS_PER_S });
}

/** `KVM_SET_CLOCK` with REALTIME, interrupted between its reference and its reading of CLOCK_REALTIME. */
function setClock({ host, kvm, vm }: Destination, { clock }: SavedGuest, gapNs: bigint): void {
  kvm.beforeClockRead = () => host.engine.spend(host.cycles(gapNs));
  vm.clock.setClock({ clock: clock.clock, flags: KVM_CLOCK_REALTIME, realtime: clock.realtime });
  kvm.beforeClockRead = undefined;
}

function restoreCounters(
  destination: Destination,
  saved: SavedGuest,
  { tsc, masterClock }: RestoreMethod,
  { writeGap }: LiveMigrationParams,
): bigint | undefined {
  const { vm } = destination;
  const offset = tsc === "absolute" ? undefined : offsetBy(tsc, destination, saved);
  vm.counters.vcpus.forEach((counter, i) => {
    const isLast = i === vm.counters.vcpus.length - 1;
    const late = isLast && masterClock === "off" ? 1n : 0n;
    if (offset !== undefined) vm.counters.setTscOffset(counter, U(64, offset - late));
    else {
      if (i > 0) letPass(destination, writeGap);
      vm.counters.hostWriteTsc(counter, saved.guestTsc);
    }
  });
  return offset;
}

function offsetBy(
  method: Exclude<TscMethod, "absolute">,
  { vm }: Destination,
  saved: SavedGuest,
): bigint | undefined {
  const [counter] = vm.counters.vcpus;
  if (counter === undefined) return undefined;
  const migration = {
    sourceOffset: saved.offset,
    source: pairOf(saved.clock),
    destination: pairOf(vm.clock.getClock()),
    guestKhz: saved.tscKhz,
  };
  return method === "documented-offset"
    ? documentedTscOffset(migration)
    : scaledTscOffset(migration, saved.ratio, counter);
}

/** True time passes on the destination. */
export function letPass({ host }: Destination, ns: bigint): void {
  host.engine.runUntil((host.engine.now + host.cycles(ns)) as typeof host.engine.now);
}
