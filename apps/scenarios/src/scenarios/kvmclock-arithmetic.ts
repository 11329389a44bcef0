/**
 * kvmclock's three clocks as arithmetic, for predictions: what each goes on by in so many host cycles since a reference, from
 * the frequencies alone. No machine and none of the packages, so that it can disagree with them.
 *
 * Sources: docs/model/pvclock §2, §4 and §5.2, docs/model/clocksource-tsc §2 and §5.
 */

const U = BigInt.asUintN;
const NS_PER_S = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;
const HZ_PER_KHZ = 1_000n;
/** A TSC within 250 ppm of the host's is the host's. */
const TOLERANCE_PPM = 250n;
const MILLION = 1_000_000n;
/** A clocksource's multiplier is to serve for ten minutes without an overflow. */
const MULT_SERVES_MS = 600_000n;

/** What the three clocks depend on. */
export interface KvmclockFrequencies {
  readonly hostKhz: bigint;
  readonly guestKhz: bigint;
  /** 48 on VMX, 32 on SVM. */
  readonly fractionBits: bigint;
  /** The unit in which a scaled rate is rounded down. */
  readonly guestRate: "kHz" | "Hz";
}

/** A power of two and a 32-bit fraction. */
export interface PvScale {
  readonly mul: bigint;
  readonly shift: bigint;
}

/** The clocks of a VM whose counters the hardware scales, in host cycles since their reference. */
export class KvmclockArithmetic {
  readonly #fractionBits: bigint;
  /** Undefined: the guest's TSC runs as the host's. */
  readonly #ratio: bigint | undefined;
  readonly #guestScale: PvScale;
  readonly #hostScale: PvScale;
  readonly #rawMult: bigint;
  readonly #rawShift: bigint;

  constructor({ hostKhz, guestKhz, fractionBits, guestRate }: KvmclockFrequencies) {
    const low = (hostKhz * (MILLION - TOLERANCE_PPM)) / MILLION;
    const high = (hostKhz * (MILLION + TOLERANCE_PPM)) / MILLION;
    this.#fractionBits = fractionBits;
    this.#ratio = guestKhz >= low && guestKhz <= high ? undefined : (guestKhz << fractionBits) / hostKhz;
    const guestHz =
      guestRate === "Hz" ? this.guestCycles(hostKhz * HZ_PER_KHZ) : this.guestCycles(hostKhz) * HZ_PER_KHZ;
    this.#guestScale = scaleOf(guestHz);
    this.#hostScale = scaleOf(hostKhz * HZ_PER_KHZ);
    [this.#rawMult, this.#rawShift] = multShift(hostKhz);
  }

  /** From the guest's TSC to its clock, as it is published. */
  get guestScale(): PvScale {
    return this.#guestScale;
  }

  /** The guest's TSC. */
  guestCycles(cycles: bigint): bigint {
    return this.#ratio === undefined ? cycles : (cycles * this.#ratio) >> this.#fractionBits;
  }

  /** CLOCK_MONOTONIC_RAW: what a new reference goes by (Definition A). */
  rawNs(cycles: bigint): bigint {
    return (cycles * this.#rawMult) >> this.#rawShift;
  }

  /** Host cycles until that has gone on by so many nanoseconds. */
  rawCycles(ns: bigint): bigint {
    return ((ns << this.#rawShift) + this.#rawMult - 1n) / this.#rawMult;
  }

  /** What the guest reads (Definition B). */
  guestNs(cycles: bigint): bigint {
    return this.clockNs(this.guestCycles(cycles));
  }

  /** What so many cycles of the guest's own TSC are on its clock. */
  clockNs(guestCycles: bigint): bigint {
    return scaled(guestCycles, this.#guestScale);
  }

  /** What KVM takes that for (Definition C). */
  reckonedNs(cycles: bigint): bigint {
    return scaled(cycles, this.#hostScale);
  }
}

/** What a scale makes of cycles, mod 2^64; what a shift to the left moves beyond 64 bits is lost. */
export function scaled(cycles: bigint, { mul, shift }: PvScale): bigint {
  return U(64, ((shift < 0n ? cycles >> -shift : U(64, cycles << shift)) * mul) >> 32n);
}

/** Halves or doubles the frequency until a nanosecond is half a cycle to a cycle of it. Halving drops bits. */
function scaleOf(hz: bigint): PvScale {
  let [base, shift] = [hz, 0n];
  for (; base > 2n * NS_PER_S; base >>= 1n) shift -= 1n;
  for (; base <= NS_PER_S; base <<= 1n) shift += 1n;
  return { mul: (NS_PER_S << 32n) / base, shift };
}

/** The largest shift whose multiplier, rounded to nearest, leaves room for ten minutes of cycles in 64 bits. */
function multShift(khz: bigint): readonly [mult: bigint, shift: bigint] {
  const room = 32n - bits((MULT_SERVES_MS * khz) >> 32n);
  for (let shift = 32n; ; shift -= 1n) {
    const mult = ((NS_PER_MS << shift) + khz / 2n) / khz;
    if (bits(mult) <= room) return [mult, shift];
  }
}

function bits(value: bigint): bigint {
  return value === 0n ? 0n : BigInt(value.toString(2).length);
}
