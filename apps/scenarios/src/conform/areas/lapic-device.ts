import {
  type GuestTsc,
  type HostClock,
  hostTsc,
  type MonotonicNs,
  monotonicNs,
  ScaledTsc,
  type VcpuTscView,
} from "@chronovisor/clocksource";
import type { CreateTimer, OnExpiry, Timer } from "@chronovisor/hrtimer";
import {
  LapicTimer,
  type LapicTimerConfig,
  type LapicTimerState,
  type LapicTimerVcpu,
  MODE_MASK_TSC_DEADLINE,
  type PreemptionTimer,
} from "@chronovisor/lapic";
import type { Row } from "../replay.js";
import { big, num, oneOf } from "../row-fields.js";

/** Host time that stands where a row puts it. */
export class StillClock implements HostClock {
  nowNs: MonotonicNs = monotonicNs(0n);
  /** TSC values to hand out one after the other; the last stays. */
  tscs: bigint[] = [0n];

  monotonicNs(): MonotonicNs {
    return this.nowNs;
  }
  tsc(): ReturnType<HostClock["tsc"]> {
    const [first = 0n] = this.tscs;
    if (this.tscs.length > 1) this.tscs.shift();
    return hostTsc(first);
  }
  sample(): ReturnType<HostClock["sample"]> {
    return { monotonicNs: this.monotonicNs(), tsc: this.tsc() };
  }
}

export function clockAt(columns: { readonly now?: bigint; readonly tscs?: bigint[] }): StillClock {
  const clock = new StillClock();
  if (columns.now !== undefined) clock.nowNs = monotonicNs(columns.now);
  if (columns.tscs !== undefined) clock.tscs = columns.tscs;
  return clock;
}

export interface TscColumns {
  readonly khz: number;
  readonly vendor?: "vmx" | "svm";
  readonly ratio?: bigint;
  readonly offset?: bigint;
  readonly scale?: { readonly mul: number; readonly shift: number };
}

/** The vCPU's counter a row describes. */
export function tscView({ khz, vendor = "vmx", ratio, offset = 0n, scale }: TscColumns): VcpuTscView {
  const scaled = new ScaledTsc(vendor, BigInt.asUintN(64, offset));
  if (ratio !== undefined) scaled.writeL1Ratio(ratio);
  if (scale !== undefined) scaled.writeNsScale(scale);
  return {
    readL1: (tsc): GuestTsc => scaled.readL1(tsc),
    nsToCycles: (ns) => scaled.nsToCycles(ns),
    virtualTscKhz: khz,
    l1Ratio: scaled.l1Ratio,
    fractionBits: scaled.fractionBits,
  };
}

/** The columns most files spell alike. */
export function tscColumns(row: Row): TscColumns {
  return {
    khz: num(row, "guest_khz"),
    ratio: big(row, "ratio"),
    offset: big(row, "l1_tsc_offset"),
    scale: scaleColumns(row),
  };
}

export const scaleColumns = (row: Row): { mul: number; shift: number } => ({
  mul: num(row, "virtual_tsc_mult"),
  shift: num(row, "virtual_tsc_shift"),
});

export const vendorOf = (row: Row): "vmx" | "svm" => oneOf(row, "vendor", ["vmx", "svm"]);

/** The software timer: it fires when the row says so. */
export class RowTimer implements Timer {
  armed = false;
  expiresNs: MonotonicNs = monotonicNs(0n);
  readonly #onExpiry: OnExpiry;

  constructor(onExpiry: OnExpiry) {
    this.#onExpiry = onExpiry;
  }

  start(expiresNs: MonotonicNs): void {
    this.armed = true;
    this.expiresNs = expiresNs;
  }
  cancel(): boolean {
    const was = this.armed;
    this.armed = false;
    return was;
  }
  /** True when the callback asked to be armed again. */
  fire(): boolean {
    this.armed = false;
    const next = this.#onExpiry(this);
    if (next !== undefined) this.start(next);
    return next !== undefined;
  }
}

/** A vCPU that accepts every interrupt, without APICv. */
const vcpu = (swEnabled: boolean): LapicTimerVcpu => ({
  hwEnabled: true,
  swEnabled,
  apicvActive: false,
  wantsToRun: true,
  inGuestMode: false,
  canPostTimerInterrupt: false,
  canUseHvTimer: true,
  deliver: () => true,
  requestUnblock: () => {},
  wake: () => {},
  kick: () => {},
  spin: () => {},
});

/** What a timer holds before anything was written to it. */
export const POWER_ON: LapicTimerState = {
  lvtt: 0x10000,
  tmict: 0,
  tdcr: 0,
  mode: 0,
  modeMask: MODE_MASK_TSC_DEADLINE,
  minTimerPeriodUs: 200,
  period: "0",
  target: "0",
  tscDeadline: "0",
  expiredTsc: "0",
  pending: 0,
  hvInUse: false,
  advance: { ns: 0, tuning: false },
  hrtimerExpiresNs: null,
};

export interface Device {
  readonly timer: LapicTimer;
  readonly hrtimer: RowTimer;
}

export interface DeviceParts {
  readonly clock: HostClock;
  readonly tsc: VcpuTscView;
  readonly state?: Partial<LapicTimerState>;
  readonly config?: Partial<LapicTimerConfig>;
  readonly swEnabled?: boolean;
  readonly preemptionTimer?: PreemptionTimer | undefined;
}

export function device({
  clock,
  tsc,
  state,
  config = {},
  swEnabled = true,
  preemptionTimer,
}: DeviceParts): Device {
  const timers: RowTimer[] = [];
  const createTimer: CreateTimer = (onExpiry) => {
    const timer = new RowTimer(onExpiry);
    timers.push(timer);
    return timer;
  };
  const timer = LapicTimer.fromState(
    { ...POWER_ON, ...state },
    {
      clock,
      tsc,
      createTimer,
      vcpu: vcpu(swEnabled),
      config,
      ...(preemptionTimer === undefined ? {} : { preemptionTimer }),
    },
  );
  const [hrtimer] = timers;
  if (hrtimer === undefined) throw new Error("the timer asked for no hrtimer");
  return { timer, hrtimer };
}
