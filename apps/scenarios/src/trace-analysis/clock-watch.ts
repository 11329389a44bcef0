import { pvScale } from "@chronovisor/clocksource";
import type { TraceTextRecord } from "@chronovisor/trace";
import { numberOf } from "./record-values.js";
import { Tally, type TallySummary } from "./tally.js";

/** What a guest multiplies its TSC with, and what its TSC's frequency is by that. */
export interface ClockParameters {
  readonly tscToSystemMul: number;
  readonly tscShift: number;
  readonly flags: number;
  /** Hz, rounded down. */
  readonly tscHz: bigint;
}

/** What a log says of one vCPU's kvmclock. */
export interface ClockFindings {
  readonly updates: number;
  /** The last ones. */
  readonly parameters: ClockParameters | undefined;
  /** Updates that brought another multiplier, shift or flags than the one before. */
  readonly changes: number;
  /**
   * By how much the guest's clock moved at an update, ns: forward is positive. An update that it does not feel is not among
   * them, and neither is one that moves it by 1 ns: both ways to the same reading round down.
   */
  readonly jumps: TallySummary;
  /** Updates that moved the clock by that 1 ns. */
  readonly roundings: number;
  /** Those of them in an interval in which the TSC's offset was written too. */
  readonly jumpsWithOffset: number;
  /** How fast the guest's clock was between updates against the host's clock that it is set by; undefined with one reference only. */
  readonly drift: Drift | undefined;
}

/** A rate against another clock. */
export interface Drift {
  readonly ppt: bigint;
  /** What the rounding of each update to a ns leaves open, either way. */
  readonly withinPpt: bigint;
  readonly overNs: bigint;
}

/** What an update brought. */
export interface ClockUpdate {
  readonly reference: "same" | "new";
  /** By how much the guest's clock moved, ns. */
  readonly jumpNs: bigint;
}

/** One `kvm_pvclock_update`. */
interface Reference {
  readonly tscTimestamp: bigint;
  readonly systemTime: bigint;
  readonly tscToSystemMul: bigint;
  readonly tscShift: number;
  readonly flags: number;
}

const PPT = 1_000_000_000_000n;
/** 10^9 × 2^32: ns of a second in a pvclock scale. */
const NS_PER_S_SCALED = 1_000_000_000n << 32n;
/** No clock is steered by more than 500 ppm: beyond twice that a move of the clock is a step, and not what its rate made of it. */
const MOST_PPM = 1_000n;

/** The reference in a record; `undefined` for a scale that is none, as of a damaged line. */
function referenceOf(record: TraceTextRecord): Reference | undefined {
  const mul = numberOf(record, "tscToSystemMul");
  const shift = numberOf(record, "tscShift");
  if (mul === 0n || mul >= 2n ** 32n || shift < -63n || shift > 63n) return undefined;
  return {
    tscTimestamp: numberOf(record, "tscTimestamp"),
    systemTime: numberOf(record, "systemTime"),
    tscToSystemMul: mul,
    tscShift: Number(shift),
    flags: Number(BigInt.asUintN(8, numberOf(record, "flags"))),
  };
}

function parametersOf({ tscToSystemMul: mul, tscShift: shift, flags }: Reference): ClockParameters {
  const tscHz =
    shift < 0 ? (NS_PER_S_SCALED << BigInt(-shift)) / mul : NS_PER_S_SCALED / (mul << BigInt(shift));
  return { tscToSystemMul: Number(mul), tscShift: shift, flags, tscHz };
}

/**
 * Follows one vCPU's kvmclock through the parameters that its host publishes.
 *
 * At each update the guest's clock goes from what the old parameters make of the TSC to what the host says it is: the difference is
 * the jump the guest sees, exactly, since both are in the log. What the TSC's offset was changed by in between is taken off, as the
 * guest's TSC moved by it at that instant.
 */
export class ClockWatch {
  #last: Reference | undefined;
  #offsetMoved = 0n;
  #updates = 0;
  #changes = 0;
  #jumpsWithOffset = 0;
  #roundings = 0;
  readonly #jumps = new Tally();
  #driftNs = 0n;
  #driftOverNs = 0n;
  #driftIntervals = 0n;

  /** Takes a `kvm_write_tsc_offset`; offsets are u64 and wrap. */
  offsetWritten(record: TraceTextRecord): void {
    const moved = numberOf(record, "nextTscOffset") - numberOf(record, "previousTscOffset");
    this.#offsetMoved = BigInt.asUintN(64, this.#offsetMoved + moved);
  }

  /** Takes a `kvm_pvclock_update`. */
  updated(record: TraceTextRecord): ClockUpdate {
    const next = referenceOf(record);
    if (next === undefined) return { reference: "same", jumpNs: 0n };
    this.#updates += 1;
    const last = this.#last;
    const offsetMoved = this.#offsetMoved;
    this.#last = next;
    this.#offsetMoved = 0n;
    if (last === undefined) return { reference: "new", jumpNs: 0n };
    if (
      last.tscToSystemMul !== next.tscToSystemMul ||
      last.tscShift !== next.tscShift ||
      last.flags !== next.flags
    ) {
      this.#changes += 1;
    }
    const jumpNs = this.#compare(record.time, last, next, offsetMoved);
    const isNew = last.tscTimestamp !== next.tscTimestamp || last.systemTime !== next.systemTime;
    return { reference: isNew ? "new" : "same", jumpNs };
  }

  findings(): ClockFindings {
    return {
      updates: this.#updates,
      parameters: this.#last && parametersOf(this.#last),
      changes: this.#changes,
      jumps: this.#jumps.summary(),
      jumpsWithOffset: this.#jumpsWithOffset,
      roundings: this.#roundings,
      drift: this.#drift(),
    };
  }

  #drift(): Drift | undefined {
    const overNs = this.#driftOverNs;
    if (overNs === 0n) return undefined;
    return {
      ppt: (this.#driftNs * PPT) / overNs,
      withinPpt: (this.#driftIntervals * PPT) / overNs,
      overNs,
    };
  }

  #compare(time: bigint, last: Reference, next: Reference, offsetMoved: bigint): bigint {
    const delta = BigInt.asUintN(64, next.tscTimestamp - offsetMoved - last.tscTimestamp);
    // A reference further back than the one before: nothing in the log joins the two.
    if (delta >= 2n ** 63n) return 0n;
    const elapsed = pvScale(delta, Number(last.tscToSystemMul), last.tscShift);
    const guestNs = BigInt.asIntN(64, last.systemTime + elapsed);
    const jump = BigInt.asIntN(64, next.systemTime - guestNs);
    if (jump === 1n || jump === -1n) this.#roundings += 1;
    else if (jump !== 0n) {
      this.#jumps.add(time, jump);
      if (offsetMoved !== 0n) this.#jumpsWithOffset += 1;
    }
    const hostNs = next.systemTime - last.systemTime;
    const size = jump < 0n ? -jump : jump;
    if (offsetMoved !== 0n || hostNs <= 0n || size * 1_000_000n > hostNs * MOST_PPM) return jump;
    // A guest that has to go back was fast.
    this.#driftNs -= jump;
    this.#driftOverNs += hostNs;
    this.#driftIntervals += 1n;
    return jump;
  }
}
