/**
 * What docs/model/pvclock §6 to §8 and docs/model/scenarios-clock §S4 say of a guest's arrival, from the parameters alone: no
 * machine and none of the packages.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import { type ClockMethod, cyclesIn, type LiveMigrationParams, type TscMethod } from "./params.js";
import { isWithinSecond, machineCycles, rateToleranceNs, runsUnscaled } from "./predict-unscaled.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const NS_PER_S = 1_000_000_000n;
const HZ_PER_KHZ = 1_000n;
const ERANGE = 34n;
const FREQUENCY_TOLERANCE_HZ = 1_000n;

/** The axes a prediction depends on. */
export interface PredictedKernel {
  readonly guestKhz: string;
  readonly getClock: string;
  readonly userTsc: string;
}

/** What a guest finds on arriving. */
export interface PredictedArrival {
  /** Guest TSC, u64. */
  readonly guestTsc: bigint;
  readonly tscAhead: bigint;
  readonly clockAhead: bigint;
  readonly clockAgainstTsc: bigint;
}

/** The source at the reading of its clock, and the destination that goes on from there. */
export class MigrationModel {
  /** The guest's TSC, its clock as it reads it, and as KVM_GET_CLOCK gives it. */
  readonly savedTsc: bigint;
  readonly guestNs: bigint;
  readonly clockNs: bigint;
  readonly sourceTsc: bigint;
  readonly sourceOffset: bigint;
  readonly #params: LiveMigrationParams;
  readonly #kernel: PredictedKernel;
  /** The guest's clock is a function of its TSC; both started at 0. */
  readonly #source: KvmclockArithmetic;
  readonly #destination: KvmclockArithmetic;

  constructor(params: LiveMigrationParams, kernel: PredictedKernel) {
    const { sourceKhz, destinationKhz, guestKhz, scaling, sourceUptime, age } = params;
    this.#params = params;
    this.#kernel = kernel;
    const common = {
      fractionBits: BigInt(params.fracBits),
      guestRate: kernel.guestKhz === "hz" ? "Hz" : "kHz",
    } as const;
    this.#source = new KvmclockArithmetic({ hostKhz: sourceKhz, guestKhz, ...common });
    this.#destination = new KvmclockArithmetic({
      hostKhz: destinationKhz,
      guestKhz: scaling === "present" ? guestKhz : destinationKhz,
      ...common,
    });
    const startTsc = cyclesIn(sourceUptime, sourceKhz);
    const aged = cyclesIn(age, sourceKhz);
    this.sourceTsc = startTsc + aged;
    this.sourceOffset = -this.#source.guestCycles(startTsc);
    this.savedTsc = this.#source.guestCycles(this.sourceTsc) + this.sourceOffset;
    this.guestNs = this.#source.clockNs(this.savedTsc);
    this.clockNs = kernel.getClock === "via-guest-tsc" ? this.guestNs : this.#source.reckonedNs(aged);
  }

  /** What KVM_SET_CLOCK adds to the clock for the time that passed by the two CLOCK_REALTIMEs, ns: it never takes back. */
  advanceNs(skewNs: bigint): bigint {
    const passed = this.#params.blackout + skewNs + this.#params.gap;
    return passed > 0n ? passed : 0n;
  }

  /** The offset written on the destination, s64. */
  offset(method: Exclude<TscMethod, "absolute">, skewNs: bigint): bigint {
    const { guestKhz, gap } = this.#params;
    const read = this.#writeTsc();
    const elapsed = cyclesIn(this.advanceNs(skewNs) + gap, guestKhz);
    if (method === "documented-offset") return S(64, this.sourceOffset + elapsed + this.sourceTsc - read);
    return S(64, this.savedTsc + elapsed - this.#destination.guestCycles(read));
  }

  /** What the guest finds on the destination. */
  arrival(tsc: TscMethod, clock: ClockMethod, skewNs: bigint): PredictedArrival {
    const { blackout, guestKhz } = this.#params;
    const sinceRestore = this.#sinceRestoreNs(tsc);
    const guestTsc = this.#arrivingTsc(tsc, skewNs);
    const wouldRead = this.savedTsc + cyclesIn(blackout + sinceRestore, guestKhz);
    const byTsc = this.#source.clockNs(guestTsc);
    const isByTsc = clock === "set-clock-guest" && this.setClockGuest() === 0n;
    const ns = isByTsc ? byTsc : this.clockNs + this.advanceNs(skewNs) + sinceRestore;
    return {
      guestTsc,
      tscAhead: S(64, guestTsc - wouldRead),
      clockAhead: S(64, ns - this.guestNs - blackout - sinceRestore),
      clockAgainstTsc: S(64, ns - byTsc),
    };
  }

  /** What the floors and the rates of the two hosts' clocks can add to an arriving clock, ns. */
  clockToleranceNs(tsc: TscMethod): bigint {
    return 3n + rateToleranceNs(this.#sinceRestoreNs(tsc), this.#params);
  }

  /** The same of an arriving TSC, cycles: a nanosecond of the clocks' floors is some. */
  tscTolerance(tsc: TscMethod): bigint {
    const floors = 2n + cyclesIn(this.clockToleranceNs(tsc), this.#params.guestKhz);
    return tsc === "absolute" ? floors + this.creationTolerance() : floors;
  }

  /** What KVM_SET_CLOCK_GUEST answers: the rate that the clock implies must be the destination's to a kHz. */
  setClockGuest(): bigint {
    const { mul, shift } = this.#source.guestScale;
    const unit = NS_PER_S << 32n;
    const implied = shift < 0n ? (unit << -shift) / mul : unit / (mul << shift);
    const off = implied - this.#destination.guestCycles(this.#params.destinationKhz * HZ_PER_KHZ);
    return -FREQUENCY_TOLERANCE_HZ <= off && off <= FREQUENCY_TOLERANCE_HZ ? 0n : -ERANGE;
  }

  /** Whether a first value so far off the time since the vCPU's creation is taken for that. */
  snaps(off: bigint): boolean {
    return this.#kernel.userTsc === "1s-slop" && isWithinSecond(off, this.#params);
  }

  /** The TSC against such a value then, cycles: it goes on as it was created, at the rate at which the hardware counts. */
  snappedAhead(off: bigint): bigint {
    const { prepared, guestKhz, destinationKhz } = this.#params;
    const counted = this.#destination.guestCycles(cyclesIn(prepared, destinationKhz));
    return counted - cyclesIn(prepared, guestKhz) - off;
  }

  /** What the rate of the host's clock makes of the time since the creation, cycles. */
  creationTolerance(): bigint {
    const { prepared, guestKhz } = this.#params;
    return cyclesIn(4n + rateToleranceNs(prepared, this.#params), guestKhz);
  }

  /** Host TSC when the first counter is written: what KVM_SET_CLOCK was interrupted for is over. */
  #writeTsc(): bigint {
    const { destinationUptime, destinationKhz, gap } = this.#params;
    return cyclesIn(destinationUptime, destinationKhz) + machineCycles(gap, destinationKhz);
  }

  /** True time from the restoring to the guest's first instruction, ns. */
  #sinceRestoreNs(tsc: TscMethod): bigint {
    const { gap, writeGap, vcpus } = this.#params;
    return gap + (tsc === "absolute" ? (vcpus - 1n) * writeGap : 0n);
  }

  #arrivingTsc(tsc: TscMethod, skewNs: bigint): bigint {
    const { destinationKhz, guestKhz, scaling, gap } = this.#params;
    const written = this.#writeTsc();
    if (tsc !== "absolute") {
      return U(64, this.#destination.guestCycles(written) + this.offset(tsc, skewNs));
    }
    const sinceWrite = this.#sinceRestoreNs(tsc) - gap;
    const now = written + machineCycles(sinceWrite, destinationKhz);
    const start = this.#firstWrite();
    const byHost = start + this.#destination.guestCycles(now) - this.#destination.guestCycles(written);
    if (scaling === "present" || runsUnscaled(destinationKhz, guestKhz) !== "catch-up") return byHost;
    const caughtUp = start + cyclesIn(sinceWrite, guestKhz);
    return caughtUp > byHost ? caughtUp : byHost;
  }

  /** What the first vCPU's TSC is once user space wrote the saved value. */
  #firstWrite(): bigint {
    const { destinationKhz, guestKhz, prepared, gap } = this.#params;
    const sinceCreation = cyclesIn(prepared + gap, guestKhz);
    // A vCPU created at another frequency than it is told later is never taken for young.
    const isYoung = destinationKhz === guestKhz && this.snaps(this.savedTsc - sinceCreation);
    return isYoung ? sinceCreation : this.savedTsc;
  }
}
