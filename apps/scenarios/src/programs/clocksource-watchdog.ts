import {
  ClocksourceWatchdog,
  clocksourceMask,
  registerClocksource,
  type UnstableReason,
  type WatchdogTuning,
} from "@chronovisor/clocksource";
import type { GuestCpu, GuestProgram } from "../machine/guest/guest.js";
import type { GuestKvmclock } from "./kvmclock.js";

/** CONFIG_HZ of the guest: the watchdog's half second in jiffies. */
const HZ = 250;
const KVMCLOCK_HZ = 1_000_000_000;

export interface GuestWatchdogOptions {
  readonly kvmclock: GuestKvmclock;
  /** The vCPU that runs this. */
  readonly vcpu: number;
  /** The guest's TSC frequency as it was calibrated at boot. */
  readonly tscKhz: number;
  readonly tuning: WatchdogTuning;
  /** CPUs of the guest, which bound the read attempts; 1 by default. */
  readonly onlineCpus?: number;
  /** Called before each read of a clock: time may pass there, as it does when the vCPU is interrupted. */
  readonly beforeRead?: (clock: "tsc" | "kvm-clock") => void;
  /** Passes to make; no end by default. */
  readonly passes?: number;
  /** Called before each pass: what runs there may still touch the watchdog, as the check for soft lockups does. */
  readonly beforePass?: (pass: number, watchdog: ClocksourceWatchdog) => void;
  readonly onPass?: (pass: number, watchdog: ClocksourceWatchdog) => void;
  readonly onUnstable?: (reason: UnstableReason, pass: number) => void;
  readonly onSkipped?: (pass: number) => void;
  readonly onIntervalTooLong?: (pass: number, intervalNs: bigint) => void;
}

/**
 * A guest whose TSC is its clocksource and is watched against kvm-clock: a pass each half second of its own TSC, on time if
 * the guest runs then, at once when it runs again if not (docs/model/clocksource-tsc §4).
 */
export function* clocksourceWatchdog(cpu: GuestCpu, options: GuestWatchdogOptions): GuestProgram {
  const { tuning, kvmclock, vcpu, tscKhz, passes = Number.POSITIVE_INFINITY } = options;
  const mask = clocksourceMask(64);
  const registered = { mask, watchdogMaxSkewNs: tuning.maxSkewNs };
  let pass = 0;
  const watchdog = new ClocksourceWatchdog({
    tuning,
    hz: HZ,
    onlineCpus: options.onlineCpus ?? 1,
    startJiffies: 0n,
    watchdog: {
      name: "kvm-clock",
      mask,
      ...registerClocksource({ ...registered, scale: 1, freq: KVMCLOCK_HZ }),
      read: () => {
        options.beforeRead?.("kvm-clock");
        return kvmclock.read(cpu, vcpu);
      },
    },
    sources: [
      {
        name: "tsc",
        mask,
        ...registerClocksource({ ...registered, scale: 1000, freq: tscKhz }),
        read: () => {
          options.beforeRead?.("tsc");
          return cpu.rdtsc();
        },
      },
    ],
    events: {
      onUnstable: (_source, reason) => options.onUnstable?.(reason, pass),
      onSkipped: () => options.onSkipped?.(pass),
      onIntervalTooLong: (_source, intervalNs) => options.onIntervalTooLong?.(pass, intervalNs),
    },
  });
  const start = cpu.rdtsc();
  const cyclesPerJiffy = (BigInt(tscKhz) * 1000n) / BigInt(HZ);
  for (; pass < passes; pass++) {
    const due = BigInt.asUintN(64, start + watchdog.expiresJiffies * cyclesPerJiffy);
    while (BigInt.asIntN(64, due - cpu.rdtsc()) > 0n) yield cpu.run(due as ReturnType<GuestCpu["rdtsc"]>);
    options.beforePass?.(pass, watchdog);
    const jiffies = BigInt.asUintN(64, cpu.rdtsc() - start) / cyclesPerJiffy;
    watchdog.check(jiffies);
    options.onPass?.(pass, watchdog);
  }
}
