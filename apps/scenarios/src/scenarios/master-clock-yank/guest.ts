import type { UnstableReason, WatchdogTuning } from "@chronovisor/clocksource";
import { pvclockTscKhz } from "@chronovisor/pvclock";
import type { GuestCpu, GuestProgram } from "../../machine/guest/guest.js";
import { clocksourceWatchdog } from "../../programs/clocksource-watchdog.js";
import type { GuestKvmclock } from "../../programs/kvmclock.js";

/** From the watchdog's start to what it is to see: its first pass takes a baseline, its second sees it. */
const WATCHDOG_LEAD_NS = 750_000_000n;
/** A baseline, the pass that sees it, and one more. */
const WATCHDOG_PASSES = 3;
const NS_PER_MS = 1_000_000n;

/** A guest that never leaves: it services a request only when it is kicked. */
export function* spinning(cpu: GuestCpu, kvmclock: GuestKvmclock, vcpu: number): GuestProgram {
  kvmclock.enable(cpu, vcpu);
  for (;;) yield cpu.run();
}

/**
 * The boot vCPU: calibrates its TSC by kvm-clock, as Linux does, and has the watchdog look at the two around `eventTsc`. What
 * came before it would have seen nothing in: the clocks part by less than a thousandth of its limit.
 */
export function* watching(
  cpu: GuestCpu,
  kvmclock: GuestKvmclock,
  eventTsc: bigint,
  tuning: WatchdogTuning,
  onUnstable: (reason: UnstableReason) => void,
): GuestProgram {
  kvmclock.enable(cpu, 0);
  yield cpu.work(1n);
  const { tscToSystemMul, tscShift } = kvmclock.published(0);
  const tscKhz = Number(pvclockTscKhz(tscToSystemMul, tscShift));
  const startTsc = eventTsc - (WATCHDOG_LEAD_NS * BigInt(tscKhz)) / NS_PER_MS;
  while (cpu.rdtsc() < startTsc) yield cpu.run(startTsc as ReturnType<GuestCpu["rdtsc"]>);
  yield* clocksourceWatchdog(cpu, { kvmclock, vcpu: 0, tscKhz, tuning, passes: WATCHDOG_PASSES, onUnstable });
  for (;;) yield cpu.run();
}
