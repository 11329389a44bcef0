import type { HostClock, VcpuTscView } from "@chronovisor/clocksource";
import type { CreateTimer } from "@chronovisor/hrtimer";
import { checkOneOf, checkU32, checkU64 } from "../arguments.js";
import type { PreemptionTimerPort } from "../preemption/preemption-timer-port.js";
import type { AdvanceConfig, TimerAdvance } from "./advance.js";
import type { LapicTimerBehaviours } from "./behaviours.js";
import { DEFAULT_RATE_THRESHOLD_PPB } from "./deadline-timer.js";
import type { LapicTimerEvents } from "./events.js";
import type { CreateRawTimer } from "./raw-timer.js";
import type { LapicTimerVcpu } from "./vcpu.js";

/** What a virtual machine is configured with. */
export interface LapicTimerConfig {
  /** Length of one APIC bus cycle in ns, above 0 and below 2^57; 1 by default. See {@link busCycleNsAccepted}. */
  readonly busCycleNs: bigint;
  /** Lower limit of a periodic timer's period in µs, u32; 200 by default. */
  readonly minTimerPeriodUs: number;
  /** The timer advance; off by default. */
  readonly advance: AdvanceConfig;
  /** CPUID.1:ECX[24], which decides the storable mode bits of LVTT; true by default. */
  readonly tscDeadlineSupported: boolean;
  /**
   * Whether a reset leaves the preemption timer marked as in use, as the kernel's code reads; `kept` by default
   * (docs/model/hv-timer §9.5: derived, never observed).
   */
  readonly hvInUseAfterReset: "kept" | "cleared";
  /**
   * How far CLOCK_MONOTONIC's rate must move before an update arms a deadline again, in 10^-9 of the rate it was armed
   * at, 0 … 10^9; 1000 by default, so that NTP's dithering does not. Only under a `deadlineClock` that does so.
   */
  readonly rateThresholdPpb: number;
}

/** What a LAPIC timer is built from. */
export interface LapicTimerOptions {
  /** A `SteeredHostClock` for the values of `deadlineClock` that read RAW or the rate. */
  readonly clock: HostClock;
  readonly tsc: VcpuTscView;
  readonly createTimer: CreateTimer;
  /** For the values of `deadlineClock` that arm on CLOCK_MONOTONIC_RAW. */
  readonly createRawTimer?: CreateRawTimer;
  /** A `PreemptionTimer` or a share of one; absent on SVM. */
  readonly preemptionTimer?: PreemptionTimerPort;
  readonly vcpu: LapicTimerVcpu;
  /** The newest kernel's values where it says nothing. */
  readonly behaviours?: Partial<LapicTimerBehaviours>;
  readonly config?: Partial<LapicTimerConfig>;
  readonly events?: Partial<LapicTimerEvents>;
  /** An advance shared with the host's other vCPUs (`auto-global`); one of its own by default. */
  readonly sharedAdvance?: TimerAdvance;
}

const DEFAULT_CONFIG: LapicTimerConfig = {
  busCycleNs: 1n,
  minTimerPeriodUs: 200,
  advance: { kind: "off" },
  tscDeadlineSupported: true,
  hvInUseAfterReset: "kept",
  rateThresholdPpb: DEFAULT_RATE_THRESHOLD_PPB,
};

/** The longest count times the largest divisor. */
const LONGEST_COUNT = 0xffff_ffffn * 128n;
const U64_MAX = 2n ** 64n - 1n;
/** Beyond it a cycle of the largest divisor does not fit in 64 bits, and could wrap to 0, which the count is divided by. */
const LONGEST_BUS_CYCLE = U64_MAX / 128n;

/**
 * Whether KVM_CAP_X86_APIC_BUS_CYCLES_NS takes this length of a bus cycle: not 0, and the longest count of the largest
 * divisor fits in 64 bits (docs/model/lapic §7.2). The signed period field still overflows at the upper end.
 *
 * @param busCycleNs - ns, u64.
 * @throws RangeError or TypeError for anything but a u64.
 * @example
 * busCycleNsAccepted(33_554_432n) // => true
 * @example
 * busCycleNsAccepted(33_554_433n) // => false
 */
export function busCycleNsAccepted(busCycleNs: bigint): boolean {
  checkU64("busCycleNsAccepted", "busCycleNs", busCycleNs);
  return busCycleNs !== 0n && busCycleNs <= U64_MAX / LONGEST_COUNT;
}

/** `chosen` with the defaults where it says nothing; throws for a value outside its domain. */
export function completeConfig(chosen: Partial<LapicTimerConfig>): LapicTimerConfig {
  const config = { ...DEFAULT_CONFIG, ...chosen };
  checkU64("LapicTimer", "busCycleNs", config.busCycleNs);
  if (config.busCycleNs === 0n || config.busCycleNs > LONGEST_BUS_CYCLE) {
    throw new RangeError(`LapicTimer: expected busCycleNs in 1 … 2^57 - 1, got ${config.busCycleNs}`);
  }
  checkU32("LapicTimer", "minTimerPeriodUs", config.minTimerPeriodUs);
  checkOneOf("LapicTimer", "advance.kind", config.advance.kind, ["off", "fixed", "adaptive"]);
  checkOneOf("LapicTimer", "tscDeadlineSupported", config.tscDeadlineSupported, [false, true]);
  checkOneOf("LapicTimer", "hvInUseAfterReset", config.hvInUseAfterReset, ["kept", "cleared"]);
  return config;
}
