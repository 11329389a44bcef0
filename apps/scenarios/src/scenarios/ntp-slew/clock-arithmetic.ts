/**
 * A steered clock and its devices as arithmetic: how long CLOCK_MONOTONIC takes for a distance, from the multipliers that
 * NTP puts in force. No machine, no ticks. Times are ps, because a cycle is a fraction of a ns.
 */
import { registerClocksource } from "@chronovisor/clocksource";
import { clockEventConfig } from "@chronovisor/hrtimer";
import { Timekeeper } from "@chronovisor/timekeeper";
import { steerTo } from "../../machine/host/steer.js";

const MASK = 2n ** 64n - 1n;
const WATCHDOG_MAX_SKEW_NS = 125_000;
const NS_PER_S = 1_000_000_000n;
const PS_PER_NS = 1_000n;
const PS_PER_S = 1_000_000_000_000n;
/** The LAPIC timer counts eighths of the TSC: 125 a millisecond and kHz. */
const TSC_DIVISOR = 8n;
const TICKS_PER_KHZ = 125;

/** The shortest and the longest that is possible, ps. */
export interface Bounds {
  readonly lo: bigint;
  readonly hi: bigint;
}

/** The clocks of a host of one TSC frequency. */
export class ClockArithmetic {
  readonly khz: bigint;
  readonly rawMult: bigint;
  /** The clock event device's own multiplier: it is off by up to half a unit of itself. */
  readonly deviceMult: bigint;
  readonly cyclePs: bigint;
  readonly #hz: bigint;
  readonly #shift: bigint;
  readonly #kernelHz: number;
  readonly #registration: ReturnType<typeof registerClocksource>;

  constructor(khz: bigint, kernelHz: bigint) {
    const freq = Number(khz);
    this.khz = khz;
    this.#hz = khz * 1000n;
    this.cyclePs = PS_PER_S / this.#hz + 1n;
    this.#kernelHz = Number(kernelHz);
    this.#registration = registerClocksource({
      scale: 1000,
      freq,
      mask: MASK,
      watchdogMaxSkewNs: WATCHDOG_MAX_SKEW_NS,
    });
    this.rawMult = BigInt(this.#registration.mult);
    this.#shift = BigInt(this.#registration.shift);
    const device = { freqHz: freq * TICKS_PER_KHZ, minTicks: 15n, maxTicks: MASK };
    this.deviceMult = BigInt(clockEventConfig(device).mult);
  }

  /** The multiplier while NTP holds a slew: the floor of the exact one; it dithers between this and one more. */
  slewedMult(slewPpb: bigint): bigint {
    const timekeeper = new Timekeeper({
      clocksource: { ...this.#registration, mask: MASK },
      hz: this.#kernelHz,
      read: () => 0n,
    });
    steerTo(timekeeper, slewPpb);
    return BigInt(timekeeper.rate().monoMult);
  }

  /** ps of true time in which a clock of multiplier `mult` goes on by `clockPs`. */
  truePs(clockPs: bigint, mult: bigint): bigint {
    return ((clockPs << this.#shift) * NS_PER_S) / (mult * this.#hz);
  }

  /** ps by which a clock of multiplier `mult` goes on in `truePs`. */
  clockPs(truePs: bigint, mult: bigint): bigint {
    return (truePs * mult * this.#hz) / (NS_PER_S << this.#shift);
  }

  /** ps by which a clock of multiplier `mult` gets ahead of true time in `truePs`; 0 if it does not. */
  aheadPs(truePs: bigint, mult: bigint): bigint {
    const ahead = this.clockPs(truePs, mult) - truePs;
    return ahead > 0n ? ahead : 0n;
  }

  /** What KVM arms for so many cycles: the whole nanoseconds of the frequency in kHz, in ps. */
  armedPs(cycles: bigint): bigint {
    return ((cycles * 1_000_000n) / this.khz) * PS_PER_NS;
  }

  ps(cycles: bigint): bigint {
    return (cycles * PS_PER_S) / this.#hz;
  }

  /** ps that programming the clock event device may lose: a whole tick of it, and what its multiplier rounds. */
  deviceRoundingPs(distancePs: bigint): bigint {
    return TSC_DIVISOR * this.cyclePs + PS_PER_NS + distancePs / this.deviceMult;
  }

  /** One unit of the multiplier over a distance, in the unit of the distance: what dithering moves it by at most. */
  unitOf(distance: bigint): bigint {
    return distance / this.rawMult + 1n;
  }
}
