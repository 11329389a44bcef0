import type { UnstableReason, WatchdogTuning } from "@chronovisor/clocksource";
import { pvclockTscKhz } from "@chronovisor/pvclock";
import type { GuestCpu, GuestProgram } from "../../machine/guest/guest.js";
import { clocksourceWatchdog } from "../../programs/clocksource-watchdog.js";
import type { GuestKvmclock } from "../../programs/kvmclock.js";

const NS_PER_MS = 1_000_000n;
/** Two passes before the stop: a baseline, and one that compares. */
const LEAD_NS = 1_000_000_000n;

/** What the guest's watchdog made of the pause: the first of these that applies. */
export const OUTCOMES = ["unstable", "not compared", "starts over", "unnoticed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What the watchdog came upon. */
export class WatchdogLog {
  reason: UnstableReason | undefined;
  tooLong = false;
  touched = false;

  get outcome(): Outcome {
    if (this.reason !== undefined) return "unstable";
    if (this.tooLong) return "not compared";
    return this.touched ? "starts over" : "unnoticed";
  }
}

export interface WatchedGuestOptions {
  readonly kvmclock: GuestKvmclock;
  /** Guest TSC of the stop. */
  readonly stopTsc: bigint;
  /** From the last pass to the stop. */
  readonly phaseNs: bigint;
  /** Whether something looks at GUEST_STOPPED before each pass, as the check for soft lockups does. */
  readonly looks: "never" | "before-a-pass";
  readonly tuning: WatchdogTuning;
  readonly log: WatchdogLog;
}

/** A guest that calibrates its TSC by kvm-clock, then watches it, its last pass so long before it is stopped. */
export function* watchedGuest(cpu: GuestCpu, options: WatchedGuestOptions): GuestProgram {
  const { kvmclock, stopTsc, phaseNs, looks, tuning, log } = options;
  kvmclock.enable(cpu, 0);
  yield cpu.work(1n);
  const { tscToSystemMul, tscShift } = kvmclock.published(0);
  const tscKhz = Number(pvclockTscKhz(tscToSystemMul, tscShift));
  const startTsc = stopTsc - ((LEAD_NS + phaseNs) * BigInt(tscKhz)) / NS_PER_MS;
  while (cpu.rdtsc() < startTsc) yield cpu.run(startTsc as ReturnType<GuestCpu["rdtsc"]>);
  yield* clocksourceWatchdog(cpu, {
    kvmclock,
    vcpu: 0,
    tscKhz,
    tuning,
    beforePass: (_pass, watchdog) => {
      if (looks === "never" || !kvmclock.pvclock.takeGuestStopped(kvmclock.area(0))) return;
      log.touched = true;
      watchdog.touch();
    },
    onUnstable: (reason) => {
      log.reason ??= reason;
    },
    onIntervalTooLong: () => {
      log.tooLong = true;
    },
  });
}
