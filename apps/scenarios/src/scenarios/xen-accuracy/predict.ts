/**
 * What docs/model/xen-timer §7 and docs/model/pvclock §6 say a timer's lateness is, worked out from the parameters alone: two
 * linear clocks and one difference, no machine.
 */
import {
  clocksourceMask,
  getTimeScale,
  planTscKhz,
  pvScale,
  registerClocksource,
  scaleTsc,
  type TimeScale,
  TSC_SCALING,
} from "@chronovisor/clocksource";
import { callTsc } from "./call-instant.js";
import type { XenAccuracyParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;
const TOLERANCE_PPM = 250;
const WATCHDOG_MAX_SKEW_NS = 125_000;

/** Nanoseconds of a counter's cycles by mult and shift, and back. */
interface LinearClock {
  readonly mult: bigint;
  readonly shift: bigint;
}

/** The axes a prediction depends on. */
export interface PredictedKernel {
  readonly xenStart: string;
  readonly guestKhz: string;
  readonly getClock: string;
}

/** The three clocks of the story as functions of host cycles since their reference. */
export class ClockModel {
  readonly #params: XenAccuracyParams;
  readonly #kernel: PredictedKernel;
  readonly #ratio: bigint;
  readonly #fractionBits: 32 | 48;
  readonly #guestScale: TimeScale;
  readonly #hostScale: TimeScale;
  readonly #monotonic: LinearClock;

  constructor(params: XenAccuracyParams, kernel: PredictedKernel) {
    this.#params = params;
    this.#kernel = kernel;
    const vendor = params.fracBits === "48" ? "vmx" : "svm";
    const hostTscKhz = Number(params.hostKhz);
    this.#fractionBits = TSC_SCALING[vendor].fractionBits;
    const request = { userTscKhz: Number(params.guestKhz), tolerancePpm: TOLERANCE_PPM, hasTscScaling: true };
    const { ratio = TSC_SCALING[vendor].defaultRatio } = planTscKhz({ hostTscKhz, vendor, ...request });
    this.#ratio = ratio;
    const khz = params.hostKhz;
    const guestHz = kernel.guestKhz === "hz" ? this.#scaled(khz * 1000n) : this.#scaled(khz) * 1000n;
    this.#guestScale = getTimeScale(NS_PER_S, guestHz);
    this.#hostScale = getTimeScale(NS_PER_S, khz * 1000n);
    const counter = { scale: 1000, freq: hostTscKhz, mask: clocksourceMask(64) };
    const { mult, shift } = registerClocksource({ ...counter, watchdogMaxSkewNs: WATCHDOG_MAX_SKEW_NS });
    this.#monotonic = { mult: BigInt(mult), shift: BigInt(shift) };
  }

  /** What the guest's clock advances in so many host cycles (Definition B). */
  guestNs(cycles: bigint): bigint {
    return pvScale(this.#scaled(cycles), this.#guestScale.mul, this.#guestScale.shift);
  }

  /** How far the guest's clock is ahead of KVM's reckoning of it so many host cycles after their reference. */
  aheadNs(cycles: bigint): bigint {
    if (this.#kernel.getClock === "via-guest-tsc") return 0n;
    return this.guestNs(cycles) - pvScale(cycles, this.#hostScale.mul, this.#hostScale.shift);
  }

  /** What a new reference makes of the guest's clock: it goes on from the host's, which is where it would be by now. */
  jumpNs(cycles: bigint): bigint {
    const { mult, shift } = this.#monotonic;
    return ((cycles * mult) >> shift) - this.guestNs(cycles);
  }

  /** Host cycles from the reference in force to the call. */
  callCycles(): bigint {
    const { reset, hostKhz, referenceTsc } = this.#params;
    return callTsc(this.#params) - referenceTsc - (reset * hostKhz) / NS_PER_MS;
  }

  /** How long after the call the guest has its first interrupt, by its own clock. */
  latencyNs(): bigint {
    const { request, fallback } = this.#params;
    const gapCycles = this.#cycles(this.#params.gap);
    const gapNs = this.guestNs(gapCycles);
    if (this.#kernel.xenStart === "single-sample" && fallback !== "no-clock-page") {
      if (fallback === "none") return this.#waited(request, 0n);
      return request > gapNs ? this.#waited(request - gapNs, 0n) : gapNs;
    }
    const armedNs = request + this.aheadNs(this.callCycles());
    if (armedNs > 0n) return this.#waited(armedNs, gapCycles);
    // The old way reads the host's clock only to arm a timer.
    return this.#kernel.xenStart === "split-samples" ? 0n : gapNs;
  }

  /** A wait on CLOCK_MONOTONIC, and what passed before it, on the guest's clock. */
  #waited(ns: bigint, cyclesBefore: bigint): bigint {
    const { mult, shift } = this.#monotonic;
    return this.guestNs(cyclesBefore + ((ns << shift) + mult - 1n) / mult);
  }

  #scaled(cycles: bigint): bigint {
    return scaleTsc(cycles, this.#ratio, this.#fractionBits);
  }

  #cycles(ns: bigint): bigint {
    return (ns * this.#params.hostKhz) / NS_PER_MS;
  }
}
