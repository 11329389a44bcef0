import type { ClockRate, VcpuTscView } from "@chronovisor/clocksource";
import { mulU64U32DivPortable } from "@chronovisor/clocksource";
import { checkInteger, checkOneOf, checkU32, checkU64 } from "../arguments.js";
import {
  DEADLINE_CLOCK_EXPERIMENTS,
  LAPIC_TIMER_BEHAVIOURS,
  type LapicTimerBehaviours,
} from "./behaviours.js";
import { deadlineDelayNs } from "./tsc-deadline.js";

/*
 * A guest deadline is an instant of the guest TSC, and the software timer that stands for it one of CLOCK_MONOTONIC,
 * which NTP bends against the TSC by up to 10 %: with CLOCK_MONOTONIC at rate 1 + p a wait W ends at W / (1 + p), early
 * for p > 0 and late for p < 0 (docs/model/timekeeping-ntp §6). What can be done about it, mitigation by mitigation
 * (§8):
 *
 *   constant p, W = 1.28 s         +500 ppm       -500 ppm       p changes while the timer waits
 *   M0  monotonic                  -639 680 ns    +640 320 ns    error of each part by its own p
 *   M1  raw, M5 mapped-each-tick   0              0              0
 *   M2  rate-compensated           0              0              remainder · change, where M0 may have none
 *   M3  restart-on-update          0              0              update period · change
 *   M4  recheck-on-wake            0 (-1 ns)      +640 320 ns    as M0, an early expiry put right
 *   compensated-rechecked          0              0              as M3, an early expiry put right
 */

/** A value of the `deadlineClock` axis. */
export type DeadlineClock = LapicTimerBehaviours["deadlineClock"];

/** What one value of the `deadlineClock` axis does. */
export interface DeadlineClockRule {
  /** The clock the software timer is armed on. */
  readonly base: "monotonic" | "raw";
  /**
   * How guest cycles become nanoseconds of that clock: by the guest's frequency in kHz, as every release does; that,
   * times CLOCK_MONOTONIC's multiplier over RAW's; or as host cycles times CLOCK_MONOTONIC's multiplier.
   */
  readonly arm: "guest-frequency" | "mult-ratio" | "host-cycles";
  /** What an expiry does that finds guest time left: expires unasked, waits for the rest, or does nothing any more. */
  readonly recheck: "none" | "restart" | "lose";
  /** What an update of the host's timekeeper does to an armed timer, once the rate has moved beyond the threshold. */
  readonly onUpdate: "keep" | "rearm";
  /** Whether a nested preemption timer is served by the host's own while its vCPU is in guest mode. */
  readonly nestedHardware: "none" | "in-guest";
}

const STATUS_QUO: DeadlineClockRule = {
  base: "monotonic",
  arm: "guest-frequency",
  recheck: "none",
  onUpdate: "keep",
  nestedHardware: "none",
};

/** The rule of each value. */
export const DEADLINE_CLOCK_RULES: Readonly<Record<DeadlineClock, DeadlineClockRule>> = {
  monotonic: STATUS_QUO,
  raw: { ...STATUS_QUO, base: "raw" },
  "rate-compensated": { ...STATUS_QUO, arm: "mult-ratio" },
  "restart-on-update": { ...STATUS_QUO, arm: "mult-ratio", onUpdate: "rearm" },
  "recheck-on-wake": { ...STATUS_QUO, recheck: "restart" },
  // The same to a device: what tells them apart is who provides the RAW timer, and how it maps RAW to MONOTONIC.
  "mapped-each-tick": { ...STATUS_QUO, base: "raw" },
  // The LAPIC timer has its preemption-timer backend for this, in every value; the nested one only here.
  "hardware-multiplexed": { ...STATUS_QUO, nestedHardware: "in-guest" },
  "compensated-rechecked": { ...STATUS_QUO, arm: "host-cycles", recheck: "restart", onUpdate: "rearm" },
  "recheck-without-restart": { ...STATUS_QUO, recheck: "lose" },
};

/** Every value of the axis, the experiment included. */
export const DEADLINE_CLOCK_VALUES: readonly DeadlineClock[] = [
  ...LAPIC_TIMER_BEHAVIOURS.deadlineClock,
  ...(Object.keys(DEADLINE_CLOCK_EXPERIMENTS) as (keyof typeof DEADLINE_CLOCK_EXPERIMENTS)[]),
];

/** One way from guest cycles to nanoseconds. */
interface ArmForm {
  readonly usesRate: boolean;
  /**
   * Whether cycles are the kernel's u64 arithmetic, in which 2^64 / 10^6 cycles or more alias a nearer deadline, and a
   * nested deadline already past wraps to a far one. A form that does not wrap is exact, whatever the distance.
   */
  readonly wraps: boolean;
  readonly delayNs: (cycles: bigint, tsc: VcpuTscView, rate: ClockRate) => bigint;
}

const guestFrequencyNs = (cycles: bigint, tsc: VcpuTscView): bigint =>
  deadlineDelayNs(cycles, 0n, tsc.virtualTscKhz);

/** The form behind each value of {@link DeadlineClockRule.arm}. */
export const ARM_FORMS: Readonly<Record<DeadlineClockRule["arm"], ArmForm>> = {
  "guest-frequency": { usesRate: false, wraps: true, delayNs: guestFrequencyNs },
  "mult-ratio": {
    usesRate: true,
    wraps: true,
    delayNs: (cycles, tsc, { monoMult, rawMult }) =>
      mulU64U32DivPortable(guestFrequencyNs(cycles, tsc), monoMult, rawMult),
  },
  "host-cycles": {
    usesRate: true,
    wraps: false,
    delayNs: (cycles, tsc, { monoMult, shift }) => {
      const unity = 1n << BigInt(tsc.fractionBits);
      const hostCycles = tsc.l1Ratio === unity ? cycles : (cycles * unity) / tsc.l1Ratio;
      return (hostCycles * BigInt(monoMult)) >> BigInt(shift);
    },
  },
};

/** A rate that changes nothing, for the values that ask for none. */
export const UNSTEERED: ClockRate = { monoMult: 1, rawMult: 1, shift: 0 };

/**
 * Whether CLOCK_MONOTONIC's rate differs by more than `thresholdPpb` from what it was. A rate is mult / 2^shift, so that
 * one of another clocksource compares too.
 */
export function rateMoved(from: ClockRate, to: ClockRate, thresholdPpb: number): boolean {
  const before = BigInt(from.monoMult) << BigInt(to.shift);
  const after = BigInt(to.monoMult) << BigInt(from.shift);
  const moved = after > before ? after - before : before - after;
  return moved * 1_000_000_000n > BigInt(thresholdPpb) * before;
}

/**
 * Nanoseconds a software timer waits for `cycles` guest cycles under a value of the `deadlineClock` axis, before an
 * advance is taken off: of CLOCK_MONOTONIC_RAW for `raw` and `mapped-each-tick`, else of CLOCK_MONOTONIC
 * (docs/model/timekeeping-ntp §8). Every division and shift rounds down.
 *
 * By the guest's frequency, the product wraps at 64 bits as in {@link tscDeadlineDelayNs}, whether its quotient is then
 * scaled by the multipliers (`mul_u64_u32_div`, low 64 bits) or not. By host cycles (`compensated-rechecked`) the
 * intermediates are as wide as they need to be, and nothing wraps.
 *
 * @param deadlineClock - a value of the axis or an experiment.
 * @param cycles - guest TSC cycles, u64.
 * @param tsc - the vCPU's TSC; its `virtualTscKhz` or, by host cycles, its ratio. Neither may be 0.
 * @param rate - the host's rates; read by `rate-compensated`, `restart-on-update` and `compensated-rechecked`.
 * @returns nanoseconds, u64 where the form wraps.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * const guest = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 2_500_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * const slow500ppm = { monoMult: 6_707_531, rawMult: 6_710_886, shift: 24 };
 * deadlineClockDelayNs("monotonic", 2_500_000_000n, guest, slow500ppm) // => 1000000000n
 * deadlineClockDelayNs("rate-compensated", 2_500_000_000n, guest, slow500ppm) // => 999500066n
 * deadlineClockDelayNs("compensated-rechecked", 2_500_000_000n, guest, slow500ppm) // => 999500006n
 */
export function deadlineClockDelayNs(
  deadlineClock: DeadlineClock,
  cycles: bigint,
  tsc: VcpuTscView,
  rate: ClockRate,
): bigint {
  const fn = "deadlineClockDelayNs";
  checkOneOf(fn, "deadlineClock", deadlineClock, DEADLINE_CLOCK_VALUES);
  checkU64(fn, "cycles", cycles);
  checkInteger(fn, "tsc.virtualTscKhz", tsc.virtualTscKhz, 1, 0xffff_ffff);
  checkU32(fn, "rate.monoMult", rate.monoMult);
  checkInteger(fn, "rate.rawMult", rate.rawMult, 1, 0xffff_ffff);
  checkInteger(fn, "rate.shift", rate.shift, 0, 63);
  return ARM_FORMS[DEADLINE_CLOCK_RULES[deadlineClock].arm].delayNs(cycles, tsc, rate);
}
