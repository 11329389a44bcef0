/**
 * What docs/model/scenarios-clock §S6 says becomes of a VM's clocks, worked out from the parameters and the kernel's rules
 * alone: no machine.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import type { CauseId } from "./causes.js";
import type { MasterClockLossParams } from "./params.js";

const NS_PER_MS = 1_000_000n;
const SYNC_NS = 300_000_000_000n;
const FRACTION_BITS = 48n;
const VCPUS = 2n;
const FLOORS_NS = 2n;
/** From a system-time write to the update of all vCPUs, where it waits. */
const GLOBAL_DELAY_NS = 100_000_000n;

/** What a step is to leave behind. */
export interface PredictedStep {
  readonly isOnMaster: boolean;
  readonly isTscStable: boolean;
  readonly updates: bigint;
}

/** A VM's clocks by the rules of its kernel. */
export class LossModel {
  readonly #params: MasterClockLossParams;
  readonly #axes: Readonly<Record<string, string>>;
  readonly #clocks: KvmclockArithmetic;

  constructor(params: MasterClockLossParams, axes: Readonly<Record<string, string>>) {
    this.#params = params;
    this.#axes = axes;
    this.#clocks = new KvmclockArithmetic({
      hostKhz: params.hostKhz,
      guestKhz: params.guestKhz,
      fractionBits: FRACTION_BITS,
      guestRate: axes.guestKhz === "hz" ? "Hz" : "kHz",
    });
  }

  /** Master clock, flag and references after each step of a cause. */
  steps(cause: CauseId): readonly PredictedStep[] {
    const on = { isOnMaster: true, isTscStable: true };
    const off = { isOnMaster: false, isTscStable: false };
    const refreshes = this.#axes.vcpuAddRefresh === "always";
    const each = this.#axes.masterClockRequests === "once" ? 1n : VCPUS;
    switch (cause) {
      case "offset":
        if (this.#axes.masterClockTsc === "equal-offset") {
          return [
            { ...off, updates: 1n },
            { ...on, updates: 1n },
          ];
        }
        // The flag is judged with the reference: where the second write asks for none, it stays as it is.
        return [
          { isOnMaster: true, isTscStable: false, updates: 1n },
          { isOnMaster: true, isTscStable: refreshes, updates: refreshes ? 1n : 0n },
        ];
      case "tsc-write":
        return [
          { ...on, updates: 0n },
          { ...on, updates: 0n },
        ];
      case "tsc-adjust":
        return [{ ...on, updates: 0n }];
      case "old-msr":
        return [
          { ...off, updates: 1n },
          { ...on, updates: 1n },
        ];
      case "clocksource":
        return [
          { ...off, updates: each },
          { ...off, updates: 0n },
          { ...on, updates: 1n },
        ];
      case "hotplug":
        return [{ ...on, updates: refreshes ? 1n : 0n }];
    }
  }

  /** How far a new reference moves a clock whose last one is so old. */
  yankNs(ageNs: bigint): bigint {
    const cycles = (ageNs * this.#params.hostKhz) / NS_PER_MS;
    return this.#clocks.rawNs(cycles) - this.#clocks.guestNs(cycles);
  }

  /** How far off a yank can be: a reading, and at either end what drifts until the last vCPU had its update. */
  yankToleranceNs(): bigint {
    const drift = this.yankNs(GLOBAL_DELAY_NS + (VCPUS + 1n) * this.#params.nextExit);
    return this.readingNs() + 2n * (drift < 0n ? -drift : drift);
  }

  /** How far off a difference of two readings can be: their floors, and a cycle of the slower counter. */
  readingNs(): bigint {
    const { hostKhz, guestKhz } = this.#params;
    return FLOORS_NS + NS_PER_MS / (hostKhz < guestKhz ? hostKhz : guestKhz);
  }

  /** How far a clock moves with a TSC that moves by so many cycles, where nobody asks for an update. */
  movedNs(cycles: bigint): bigint {
    return this.#clocks.clockNs(cycles);
  }

  /** When vCPU 0 took the reference it has at `ns`, where it took one of its own at `sinceNs`: the periodic sync renews it. */
  ownReferenceNs(sinceNs: bigint, ns: bigint): bigint {
    if (this.#axes.periodicSync !== "300s") return sinceNs;
    const synced = (ns / SYNC_NS) * SYNC_NS;
    return synced > sinceNs ? synced : sinceNs;
  }

  /** Whether the periodic sync publishes every clock anew after `fromNs`, up to `toNs`. */
  syncs(fromNs: bigint, toNs: bigint): boolean {
    const isHeldBack = this.#axes.gratuitousGlobal === "without-master-clock";
    if (this.#axes.periodicSync !== "300s" || isHeldBack) return false;
    return toNs / SYNC_NS > fromNs / SYNC_NS;
  }
}
