import type { GuestTsc } from "@chronovisor/clocksource";
import type { ClockMachine } from "../../machine/clock-machine.js";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import { spins, takesTicks, waitsForDeadline } from "./guest.js";
import { buildSuspendMachine, hostSleep, type TscInSleep } from "./machine.js";
import type { HostSuspendParams } from "./params.js";

/** Ticks before the sleep and after it. */
const TICKS_BEFORE = 10n;
const TICKS_AFTER = 20n;
/** Points of the plot before the sleep, and as many up to the new reference. */
const POINTS = 8n;
/** Times {@link suspend} tells that it goes on. */
export const SUSPEND_STEPS: bigint = 2n * POINTS + 2n;

/** What one sleep did. */
export interface Suspend {
  /** What the guest's TSC went on by, cycles. */
  readonly tscGain: bigint;
  /** What its clock did, ns. */
  readonly clockGain: bigint;
  /** How the new reference moved it, ns. */
  readonly step: bigint;
  /** How far it then is ahead of true time since the guest's start, ns. */
  readonly off: bigint;
  /** What KVM found the host's TSC behind by, host cycles, and what it gave the guest for it. */
  readonly lost: bigint;
  readonly given: bigint;
  /** Whether the VM is on a master clock as it wakes, and after the new reference. */
  readonly masterOnWaking: boolean;
  readonly masterAfter: boolean;
  /** What the host's clocks went on by, ns. */
  readonly monotonicGain: bigint;
  readonly rawGain: bigint;
  readonly boottimeGain: bigint;
  /** True time from when the deadline would have been to the guest hearing of it, ns. */
  readonly deadlineLate: bigint;
  /** How far the guest's TSC was past the deadline then, cycles. */
  readonly deadlineError: bigint;
  /** True time from waking to each tick since, ns. */
  readonly ticks: readonly bigint[];
  /** Guest's clock minus true time, by true time. */
  readonly points: ReadonlyArray<readonly [ns: bigint, off: bigint]>;
}

/** Lives through one sleep, and a new reference after it. `onStep` runs now and then. */
export function suspend(
  params: HostSuspendParams,
  axes: Readonly<Record<string, string>>,
  tsc: TscInSleep,
  onStep: () => void = () => {},
  openTrace?: OpenTrace,
): Suspend {
  const machine = buildSuspendMachine(params, axes, openTrace);
  const { host, kvm, vm } = machine;
  const { engine, clock } = host;
  const timers = startGuest(machine, params);
  const [counter, vcpuClock] = [vm.counters.vcpus[0], vm.clock.vcpus[0]];
  if (counter === undefined || vcpuClock === undefined) throw new Error("host-suspend: a VM without vCPUs");
  const read = (): bigint => vcpuClock.readAt(engine.now);
  const points: [bigint, bigint][] = [];
  const runTo = (ns: bigint): void => {
    engine.runUntil(host.tscAt(ns));
    const trueNs = host.trueNs(engine.now);
    points.push([trueNs, read() - trueNs]);
    onStep();
  };

  const { age, sleep, reference } = params;
  for (let i = 1n; i <= POINTS; i++) runTo((age * i) / POINTS);
  const before = {
    tsc: counter.readL1(engine.now),
    clock: read(),
    offset: counter.l1Offset,
    monotonic: clock.timekeeper.monotonicNs(),
    raw: clock.timekeeper.rawNs(),
    boottime: clock.timekeeper.boottimeNs(),
  };
  const lost = kvm.sleep(hostSleep(params, tsc));
  const onWaking = {
    tscGain: BigInt.asIntN(64, counter.readL1(engine.now) - before.tsc),
    clockGain: read() - before.clock,
    lost,
    given: BigInt.asIntN(64, counter.l1Offset - before.offset),
    masterOnWaking: vm.clock.reference.useMasterClock,
    monotonicGain: clock.timekeeper.monotonicNs() - before.monotonic,
    rawGain: clock.timekeeper.rawNs() - before.raw,
    boottimeGain: clock.timekeeper.boottimeNs() - before.boottime,
  };
  const wokenNs = age + sleep;
  for (let i = 0n; i <= POINTS; i++) runTo(wokenNs + (reference * i) / POINTS);
  const expected = read();
  vm.clock.requestMasterClockUpdates();
  engine.runUntil(engine.now);
  const step = read() - expected;
  const off = read() - host.trueNs(engine.now);
  runTo(wokenNs + reference + reference / POINTS);
  return {
    ...onWaking,
    step,
    off,
    masterAfter: vm.clock.reference.useMasterClock,
    ...timers.deadline(),
    ticks: timers.ticks.map((ns) => ns - wokenNs).filter((ns) => ns >= 0n),
    points,
  };
}

/** Starts the vCPUs. What their timers did is known when they have expired. */
function startGuest(
  { host, vm }: ClockMachine,
  { age, wait, period, guestKhz }: HostSuspendParams,
): { readonly ticks: readonly bigint[]; deadline(): Pick<Suspend, "deadlineLate" | "deadlineError"> } {
  const kvmclock = new GuestKvmclock(vm.memory);
  const ticks: bigint[] = [];
  let heard: { readonly ns: bigint; readonly error: bigint } | undefined;
  const now = (): bigint => host.trueNs(host.engine.now);
  const armedNs = age - wait / 2n;
  for (const vcpu of vm.vcpus) {
    const guestTscAt = (ns: bigint): GuestTsc => vcpu.tsc.readL1(host.tscAt(ns));
    if (vcpu.id === 0) {
      const waitCycles = (wait * guestKhz) / 1_000_000n;
      const onInterrupt = (error: bigint): void => {
        heard = { ns: now(), error };
      };
      const deadline = { armAt: guestTscAt(armedNs), waitCycles, onInterrupt };
      vcpu.start("waits for a deadline", (cpu) => waitsForDeadline(cpu, kvmclock, vcpu.id, deadline));
    } else if (vcpu.id === 1) {
      const armAt = guestTscAt(age - TICKS_BEFORE * period - period / 2n);
      const onTick = (): void => void ticks.push(now());
      const timer = { armAt, periodNs: period, ticks: Number(TICKS_BEFORE + TICKS_AFTER), onTick };
      vcpu.start("takes ticks", (cpu) => takesTicks(cpu, kvmclock, vcpu.id, timer));
    } else vcpu.start("spins", (cpu) => spins(cpu, kvmclock, vcpu.id));
  }
  return {
    ticks,
    deadline: () => {
      if (heard === undefined)
        throw new Error("host-suspend: the guest waits for a deadline that never comes");
      const deadlineNs = armedNs + wait;
      return { deadlineLate: heard.ns - deadlineNs, deadlineError: heard.error };
    },
  };
}
