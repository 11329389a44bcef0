import type { CyclesToNsForm, VclockMode } from "@chronovisor/clocksource";
import type { NtpStateData } from "../ntp/ntp-state-data.js";
import type { TimekeeperWarning } from "./core.js";
import type { TimekeeperClocksource } from "./setup.js";

/** What a Timekeeper tells. Each is called when the state is consistent again, so a listener may read every clock. */
export interface TimekeeperEvents {
  /**
   * Published (KVM's pvclock_gtod notifier): after every advance, step, suspend, resume, injected sleep and change of
   * clocksource, and after a changed TAI offset.
   */
  onUpdate(): void;
  /**
   * A step moved clocks against CLOCK_MONOTONIC: REALTIME and TAI ("wall"), BOOTTIME ("boot"). Timers on them must be looked
   * at again (`clock_was_set`). A resume is told by {@link onUpdate} alone, as in the kernel: timers resume by a way of their own.
   */
  onClockSet(clocks: "wall" | "boot"): void;
  /** A leap second was applied: −1 inserted, 1 deleted. */
  onLeap(leap: -1 | 1): void;
  /** A warning the kernel gives once. */
  onWarning(kind: TimekeeperWarning): void;
}

/** What a Timekeeper keeps of the outside when it is saved and restored. */
export interface TimekeeperSurroundings {
  /** Reads the clocksource's counter: u64, within its mask. */
  readonly read: () => bigint;
  /** Default: tells nobody. */
  readonly events?: Partial<TimekeeperEvents>;
}

/** What a Timekeeper is made from. */
export interface TimekeeperOptions extends TimekeeperSurroundings {
  readonly clocksource: TimekeeperClocksource;
  /** Ticks per second (CONFIG_HZ), 12 … 3000. */
  readonly hz: number;
  /** CLOCK_REALTIME at construction, ns since 1970: 0 … before year 2233. CLOCK_MONOTONIC starts at 0. Default 0. */
  readonly realtimeNs?: bigint;
  /** TAI − UTC, s, s32. Default 0. */
  readonly taiOffsetSec?: number;
  /** How a reading far from the last tick is converted. Default `safe` (6.12). */
  readonly cyclesToNs?: CyclesToNsForm;
}

/** A Timekeeper as plain JSON; 64-bit quantities are decimal strings. Names and units as in the kernel's structures. */
export interface TimekeeperState {
  readonly hz: number;
  readonly cyclesToNs: CyclesToNsForm;
  readonly clocksource: {
    readonly mask: string;
    readonly mult: number;
    readonly shift: number;
    readonly maxadj: number;
    readonly maxCycles: string;
    readonly maxRawDelta: string;
    readonly vclockMode: VclockMode;
  };
  /** Counter value at the last accumulation. */
  readonly cycleLast: string;
  /** CLOCK_MONOTONIC's multiplier, as steered. */
  readonly mult: number;
  /** 2^−shift ns of CLOCK_REALTIME's second at the last accumulation. */
  readonly xtimeNsec: string;
  /** Whole seconds of CLOCK_REALTIME. */
  readonly xtimeSec: string;
  /** 2^−shift ns of CLOCK_MONOTONIC_RAW's second at the last accumulation. */
  readonly rawNsec: string;
  /** Whole seconds of CLOCK_MONOTONIC_RAW. */
  readonly rawSec: string;
  /** The tick length that `mult` was made for, ns × 2^32. */
  readonly ntpTick: string;
  /** How far CLOCK_MONOTONIC is behind NTP's idea of it, ns × 2^32, signed. */
  readonly ntpError: string;
  /** 1 while `mult` is one higher to catch up. */
  readonly ntpErrMult: number;
  readonly skipSecondOverflow: boolean;
  /** CLOCK_MONOTONIC − CLOCK_REALTIME. */
  readonly wallToMonotonic: { readonly sec: string; readonly nsec: number };
  /** CLOCK_BOOTTIME − CLOCK_MONOTONIC, ns. */
  readonly offsBootNs: string;
  readonly taiOffsetSec: number;
  readonly clockWasSetSeq: number;
  readonly suspended: boolean;
  /** Warnings already given. */
  readonly warned: readonly TimekeeperWarning[];
  readonly ntp: NtpStateData;
}
