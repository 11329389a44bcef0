import { checkInteger, checkOneOf, checkS64, checkU32 } from "../arguments.js";
import { LAPIC_TIMER_BEHAVIOURS, type LapicTimerBehaviours } from "./behaviours.js";

/*
 * The timer is armed early by the advance, and the vCPU spins off the rest just before it enters the guest
 * (docs/model/lapic §9). The adaptive advance follows the overhead it hides: each expiry corrects it by an eighth of its
 * own error.
 */

/** Errors nearer than this many guest cycles are not corrected (before v5.4: they end the tuning). */
const ADJUST_MIN_CYCLES = 100;
/** Errors beyond this many guest cycles are taken for something else than overhead. */
const ADJUST_MAX_CYCLES = 10_000;
/** A correction is an eighth of the error (before v5.4: at most an eighth of the advance). */
const ADJUST_STEP = 8;
/** The adaptive advance starts here and returns here. */
const ADJUST_INIT_NS = 1000;
/** An adaptive advance above this is reset (v5.1: switched off). */
const ADVANCE_MAX_NS = 5000;

/** What the vCPU was configured with; the module parameter `lapic_timer_advance_ns` (6.12: `lapic_timer_advance`). */
export type AdvanceConfig =
  | { readonly kind: "off" }
  | { readonly kind: "fixed"; readonly ns: number }
  | { readonly kind: "adaptive" };

/** JSON form of a {@link TimerAdvance}. */
export interface TimerAdvanceState {
  readonly ns: number;
  readonly tuning: boolean;
}

/**
 * The advance of one vCPU's timer, or of all of a host's when shared (`auto-global`): the amount in ns, u32, and whether
 * it still tunes itself.
 *
 * @example
 * new TimerAdvance({ kind: "adaptive" }, "auto-vcpu-band").ns // => 1000
 */
export class TimerAdvance {
  /** ns, u32; 0 switches waiting and tuning off for good. */
  ns: number;
  /** False when off, fixed, or settled. */
  tuning: boolean;

  /**
   * @param config - off, a fixed number of ns (u32) or adaptive; adaptive is off where the kernel only knows fixed ones.
   * @param generation - the `advance` axis.
   * @throws RangeError or TypeError for another kind or generation, or a fixed advance outside u32.
   */
  constructor(config: AdvanceConfig, generation: LapicTimerBehaviours["advance"]) {
    checkOneOf("TimerAdvance", "config.kind", config.kind, ["off", "fixed", "adaptive"]);
    checkOneOf("TimerAdvance", "generation", generation, LAPIC_TIMER_BEHAVIOURS.advance);
    if (config.kind === "fixed") checkU32("TimerAdvance", "ns", config.ns);
    this.tuning = config.kind === "adaptive" && generation !== "fixed";
    this.ns = config.kind === "fixed" ? config.ns : this.tuning ? ADJUST_INIT_NS : 0;
  }

  /** A JSON-safe copy. */
  state(): TimerAdvanceState {
    return { ns: this.ns, tuning: this.tuning };
  }

  /**
   * The advance `state` was taken from.
   *
   * @throws RangeError or TypeError for a state outside its domain.
   */
  static fromState(state: TimerAdvanceState): TimerAdvance {
    checkU32("TimerAdvance.fromState", "ns", state.ns);
    checkOneOf("TimerAdvance.fromState", "tuning", state.tuning, [false, true]);
    const advance = new TimerAdvance({ kind: "fixed", ns: state.ns }, "fixed");
    advance.tuning = state.tuning;
    return advance;
  }
}

/** How a generation corrects an advance it finds `deltaCycles` late (negative: early). */
export interface AdvanceGeneration {
  /** Whether the wait uses the advance before or after the correction. */
  readonly order: "wait-then-tune" | "tune-then-wait";
  readonly tune: (advance: TimerAdvance, deltaCycles: bigint, virtualTscKhz: number) => void;
}

/** Steps of at most an eighth of the advance, until one error is below 100 cycles (v4.20 … v5.3). */
function cappedStep(advance: TimerAdvance, deltaCycles: bigint, virtualTscKhz: number): void {
  const magnitude = deltaCycles < 0n ? -deltaCycles : deltaCycles;
  const errorNs = BigInt.asUintN(64, magnitude * 1_000_000n) / BigInt(virtualTscKhz);
  const step = Math.min(Number(BigInt.asUintN(32, errorNs)), Math.floor(advance.ns / ADJUST_STEP));
  advance.ns = (deltaCycles < 0n ? advance.ns - step : advance.ns + step) >>> 0;
  if (magnitude < BigInt(ADJUST_MIN_CYCLES)) advance.tuning = false;
}

function band(advance: TimerAdvance, deltaCycles: bigint, virtualTscKhz: number): void {
  advance.ns = tunedBand(advance.ns, deltaCycles, virtualTscKhz);
}

function tunedBand(advanceNs: number, deltaCycles: bigint, virtualTscKhz: number): number {
  if (deltaCycles > ADJUST_MAX_CYCLES || deltaCycles < -ADJUST_MAX_CYCLES) return advanceNs;
  const cycles = Number(deltaCycles);
  const magnitude = Math.abs(cycles);
  if (magnitude < ADJUST_MIN_CYCLES) return advanceNs;
  // At most 10^10, so the quotient of doubles floors exactly.
  const step = Math.floor(Math.floor((magnitude * 1_000_000) / virtualTscKhz) / ADJUST_STEP);
  // u32: going below 0 wraps far above the maximum, and so resets.
  const tuned = (cycles < 0 ? advanceNs - step : advanceNs + step) >>> 0;
  return tuned > ADVANCE_MAX_NS ? ADJUST_INIT_NS : tuned;
}

/** The rule of each value of the `advance` axis. */
export const ADVANCE_GENERATIONS: Readonly<Record<LapicTimerBehaviours["advance"], AdvanceGeneration>> = {
  fixed: { order: "wait-then-tune", tune: () => {} },
  "auto-global": { order: "wait-then-tune", tune: cappedStep },
  "auto-vcpu-off-above-5000": {
    order: "wait-then-tune",
    tune(advance, deltaCycles, virtualTscKhz) {
      cappedStep(advance, deltaCycles, virtualTscKhz);
      if (advance.ns <= ADVANCE_MAX_NS) return;
      advance.ns = 0;
      advance.tuning = false;
    },
  },
  "auto-vcpu-reset-above-5000": {
    order: "wait-then-tune",
    tune(advance, deltaCycles, virtualTscKhz) {
      cappedStep(advance, deltaCycles, virtualTscKhz);
      if (advance.ns <= ADVANCE_MAX_NS) return;
      advance.ns = ADJUST_INIT_NS;
      advance.tuning = true;
    },
  },
  "auto-vcpu-band": { order: "tune-then-wait", tune: band },
};

/**
 * The adaptive advance after one expiry (`adjust_lapic_timer_advance`, v5.4 and later, docs/model/lapic §9). An error
 * below 100 or above 10 000 guest cycles changes nothing; between, the advance moves by an eighth of it (both divisions
 * round down). Subtraction wraps at u32; a result above 5000 ns becomes 1000.
 *
 * @param advanceNs - the advance now, u32.
 * @param deltaCycles - guest TSC at the wait minus deadline, s64: negative is early.
 * @param virtualTscKhz - guest frequency, 1 … 2^32−1.
 * @returns the new advance, u32.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * adjustTimerAdvance(1000, -100n, 2_500_000) // => 995
 * @example
 * adjustTimerAdvance(100, -2400n, 2_500_000) // => 1000
 */
export function adjustTimerAdvance(advanceNs: number, deltaCycles: bigint, virtualTscKhz: number): number {
  checkU32("adjustTimerAdvance", "advanceNs", advanceNs);
  checkS64("adjustTimerAdvance", "deltaCycles", deltaCycles);
  checkInteger("adjustTimerAdvance", "virtualTscKhz", virtualTscKhz, 1, 0xffff_ffff);
  return tunedBand(advanceNs, deltaCycles, virtualTscKhz);
}
