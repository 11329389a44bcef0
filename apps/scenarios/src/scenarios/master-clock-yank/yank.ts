import type { HostTsc, UnstableReason, WatchdogTuning } from "@chronovisor/clocksource";
import { PVCLOCK_TSC_STABLE_BIT } from "@chronovisor/pvclock";
import { watchdogTuning } from "../../kernels/guest-watchdog.js";
import { buildClockMachine, type ClockMachine } from "../../machine/clock-machine.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import type { StoryHooks } from "../../scenario/types.js";
import { evenInstants, runSampled } from "../sampling.js";
import { bringAbout } from "./causes.js";
import { spinning, watching } from "./guest.js";
import type { MasterClockYankParams } from "./params.js";

/** The guest reads its clock so long before and after: an instruction or a few thousand. */
export const READ_NS = 1_000n;
/** What is sampled before it and after. */
const SAMPLES_BEFORE = 24;
const SAMPLES_AFTER = 6;

/** A new reference that was taken, and how the guest's clock jumped by it. */
export interface NewReference {
  readonly ns: bigint;
  readonly jumpNs: bigint;
}

/** What a VM's clock did around one event. */
export interface Yank {
  readonly jumpNs: bigint;
  readonly references: readonly NewReference[];
  /** Two reads of the guest, {@link READ_NS} before and after. */
  readonly reads: readonly [before: bigint, after: bigint];
  readonly tscStable: boolean;
  /** Why the guest's watchdog gave its TSC up, if it did. */
  readonly unstable: UnstableReason | undefined;
  /** How far the guest's clock is ahead of the host's, by true time. */
  readonly ahead: ReadonlyArray<readonly [bigint, bigint]>;
}

/** How a VM is followed. */
export interface YankOptions {
  /** How long it is followed after the event. */
  readonly afterNs: bigint;
  readonly hooks?: StoryHooks;
  /** Simulated time of all that `hooks` are told of; by default of this. */
  readonly totalNs?: bigint;
}

/** Lets a guest's clock grow old on one reference, then brings about what may take another. */
export function yank(
  params: MasterClockYankParams,
  axes: Readonly<Record<string, string>>,
  { afterNs, hooks = {}, totalNs = params.age + afterNs }: YankOptions,
): Yank {
  const { age } = params;
  const machine = build(params, axes, hooks.openTrace);
  const { host, vm } = machine;
  const kvmclock = new GuestKvmclock(vm.memory);
  const eventTsc = host.tscAt(age);
  const watchdog: { unstable?: UnstableReason } = {};
  startGuests(machine, kvmclock, eventTsc, watchdogTuning(axes), (reason) => {
    watchdog.unstable = reason;
  });

  const readAt = (tsc: HostTsc): bigint => {
    const [boot] = vm.clock.vcpus;
    if (boot === undefined) throw new Error("master-clock-yank: expected a vCPU");
    return boot.readAt(tsc);
  };
  const taken: { tsc: HostTsc; beforeNs: bigint; kernelNs: bigint }[] = [];
  let before = 0n;
  host.timeline.add({
    at: eventTsc,
    name: params.cause,
    act: () => {
      before = readAt(eventTsc);
      vm.onMasterClockUpdate = ({ hostTsc, kernelNs }) =>
        taken.push({ tsc: hostTsc, beforeNs: readAt(hostTsc), kernelNs });
      bringAbout(params.cause, machine, kvmclock, axes);
    },
  });

  const guestReads: bigint[] = [];
  const ahead: [bigint, bigint][] = [];
  const sample = (ns: bigint): bigint => {
    const now = host.engine.now;
    ahead.push([ns, readAt(now) - vm.clock.baseNs() - vm.clock.kvmclockOffset]);
    return BigInt(ahead.length);
  };
  const read = (ns: bigint): bigint => {
    const counter = vm.vcpus[0]?.tsc;
    if (counter === undefined) throw new Error("master-clock-yank: expected a vCPU");
    const reading = kvmclock.pvclock.read(kvmclock.area(0), () => counter.readL1(host.engine.now));
    guestReads.push(reading ?? 0n);
    return sample(ns);
  };
  const around = evenInstants(age - READ_NS, SAMPLES_BEFORE).slice(0, -1);
  runSampled(host, around, totalNs, hooks, sample);
  runSampled(host, [age - READ_NS], totalNs, hooks, read);
  host.engine.runUntil(eventTsc);
  const jumpNs = readAt(eventTsc) - before;
  runSampled(host, [age + READ_NS], totalNs, hooks, read);
  const after = evenInstants(afterNs, SAMPLES_AFTER).map((ns) => age + ns);
  runSampled(host, after, totalNs, hooks, sample);

  const [first = 0n, second = 0n] = guestReads;
  const offset = vm.clock.kvmclockOffset;
  return {
    jumpNs,
    references: taken.map(({ tsc, beforeNs, kernelNs }) => ({
      ns: host.trueNs(tsc),
      jumpNs: kernelNs + offset - beforeNs,
    })),
    reads: [first, second],
    tscStable: vm.vcpus.every((_, id) => (kvmclock.published(id).flags & PVCLOCK_TSC_STABLE_BIT) !== 0),
    unstable: watchdog.unstable,
    ahead,
  };
}

function build(
  { hostKhz, guestKhz, fracBits, vcpus, cause }: MasterClockYankParams,
  axes: Readonly<Record<string, string>>,
  openTrace: StoryHooks["openTrace"],
): ClockMachine {
  return buildClockMachine({
    hostKhz,
    guestKhz,
    vendor: fracBits === "48" ? "vmx" : "svm",
    vcpus: Number(vcpus),
    spareCpus: 1,
    laterVcpus: cause === "hotplug" ? 1 : 0,
    axes,
    openTrace,
  });
}

function startGuests(
  { vm }: ClockMachine,
  kvmclock: GuestKvmclock,
  eventTsc: HostTsc,
  tuning: WatchdogTuning,
  onUnstable: (reason: UnstableReason) => void,
): void {
  for (const vcpu of vm.vcpus) {
    if (vcpu.id > 0) vcpu.start("spins", (cpu) => spinning(cpu, kvmclock, vcpu.id));
    else {
      const guestTsc = vcpu.tsc.readL1(eventTsc);
      vcpu.start("watches its clocks", (cpu) => watching(cpu, kvmclock, guestTsc, tuning, onUnstable));
    }
  }
}
