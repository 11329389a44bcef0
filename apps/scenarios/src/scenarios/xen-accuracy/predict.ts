/**
 * What docs/model/xen-timer §7 and docs/model/pvclock §6 say a timer's lateness is, worked out from the parameters alone: two
 * linear clocks and one difference, no machine.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import { callTsc } from "./call-instant.js";
import type { XenAccuracyParams } from "./params.js";

const NS_PER_MS = 1_000_000n;

/** The axes a prediction depends on. */
export interface PredictedKernel {
  readonly xenStart: string;
  readonly guestKhz: string;
  readonly getClock: string;
}

/** What the story's timers do, by the three clocks as functions of host cycles since their reference. */
export class ClockModel {
  readonly #params: XenAccuracyParams;
  readonly #kernel: PredictedKernel;
  readonly #clocks: KvmclockArithmetic;

  constructor(params: XenAccuracyParams, kernel: PredictedKernel) {
    this.#params = params;
    this.#kernel = kernel;
    this.#clocks = new KvmclockArithmetic({
      hostKhz: params.hostKhz,
      guestKhz: params.guestKhz,
      fractionBits: BigInt(params.fracBits),
      guestRate: kernel.guestKhz === "hz" ? "Hz" : "kHz",
    });
  }

  /** How far the guest's clock is ahead of KVM's reckoning of it so many host cycles after their reference. */
  aheadNs(cycles: bigint): bigint {
    if (this.#kernel.getClock === "via-guest-tsc") return 0n;
    return this.#clocks.guestNs(cycles) - this.#clocks.reckonedNs(cycles);
  }

  /** What a new reference makes of the guest's clock: it goes on from the host's, which is where it would be by now. */
  jumpNs(cycles: bigint): bigint {
    return this.#clocks.rawNs(cycles) - this.#clocks.guestNs(cycles);
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
    const gapNs = this.#clocks.guestNs(gapCycles);
    if (this.#kernel.xenStart === "single-sample" && fallback !== "no-clock-page") {
      if (fallback === "none") return this.#waited(request, 0n);
      return request > gapNs ? this.#waited(request - gapNs, 0n) : gapNs;
    }
    const armedNs = request + this.aheadNs(this.callCycles());
    if (armedNs > 0n) return this.#waited(armedNs, gapCycles);
    // The old way reads the host's clock only to arm a timer.
    return this.#kernel.xenStart === "split-samples" ? 0n : gapNs;
  }

  /** A wait on CLOCK_MONOTONIC, unsteered as RAW is, and what passed before it, on the guest's clock. */
  #waited(ns: bigint, cyclesBefore: bigint): bigint {
    return this.#clocks.guestNs(cyclesBefore + this.#clocks.rawCycles(ns));
  }

  #cycles(ns: bigint): bigint {
    return (ns * this.#params.hostKhz) / NS_PER_MS;
  }
}
