import { calcMaxNsecs, calcMultShift, clocksourceMask, maxAdjustment } from "@chronovisor/clocksource";
import { ChronovisorError } from "../errors.js";
import { fraction, powerOfTwo, times } from "./fraction.js";
import { ppbOff, ppbToMsPerDay } from "./rate.js";
import { given, type Section, type Term, type Worksheet, worked } from "./worksheet.js";

const NSEC_PER_SEC = 1_000_000_000;
const U32_MAX = 2n ** 32n - 1n;
/** Seconds a counter wider than 32 bits must be able to go unread. */
const MAX_DEFERMENT_SEC = 600n;

/** A counter and what it is converted to. */
export interface MultShiftInput {
  readonly fromHz: number;
  readonly toHz: number;
  /** Seconds that must fit one product; by default what registering the counter asks for. */
  readonly maxSec?: number;
  /** Width of the counter. */
  readonly bits: number;
}

/** Seconds a counter takes to wrap, at least 1, and no more than 600 where it is wider than 32 bits. */
function defermentSec(mask: bigint, fromHz: number): number {
  const wraps = mask / BigInt(fromHz);
  if (wraps === 0n) return 1;
  return Number(wraps > MAX_DEFERMENT_SEC && mask > U32_MAX ? MAX_DEFERMENT_SEC : wraps);
}

/** What registering does with the pair: room to steer, and how long the counter may go unread. */
function registered(mult: number, shift: number, mask: bigint, unit: string): Section {
  let [steeredMult, steeredShift] = [mult, shift];
  while (steeredMult + maxAdjustment(steeredMult) >= 2 ** 32) {
    steeredMult >>>= 1;
    steeredShift -= 1;
  }
  const halved: readonly Term[] =
    steeredMult === mult
      ? []
      : [
          worked("registeredMult", "mult", "halved until mult + maxadj < 2^32", BigInt(steeredMult)),
          worked("registeredShift", "shift", "less 1 for each halving", BigInt(steeredShift)),
        ];
  const maxadj = maxAdjustment(steeredMult);
  const { maxNs, maxCycles } = calcMaxNsecs(steeredMult, steeredShift, maxadj, mask);
  return {
    heading: "registered as a clocksource",
    terms: [
      ...halved,
      worked("maxadj", "maxadj", "floor(mult · 11 / 100)", BigInt(maxadj)),
      worked(
        "maxCycles",
        "max_cycles",
        "min(floor((2^64 − 1) / (mult + maxadj)), mask)",
        maxCycles,
        "cycles",
      ),
      worked("maxIdle", "max_idle", "(max_cycles · (mult − maxadj) >> shift) / 2", maxNs, unit),
    ],
  };
}

/**
 * The multiplier and shift the kernel chooses for a counter, and what they are off by.
 *
 * @throws ChronovisorError where no shift leaves the seconds room in 64 bits
 */
export function multShiftWorksheet({ fromHz, toHz, bits, ...input }: MultShiftInput): Worksheet {
  const mask = clocksourceMask(bits);
  const maxSec = input.maxSec ?? defermentSec(mask, fromHz);
  const { mult, shift } = calcMultShift(fromHz, toHz, maxSec);
  if (shift === 0 || mult === 0) {
    throw new ChronovisorError(
      `--max-sec: expected seconds that leave a multiplier room in 64 bits, got "${maxSec}"`,
    );
  }
  const excess = (BigInt(maxSec) * BigInt(fromHz)) >> 32n;
  const room = 32n - BigInt(excess === 0n ? 0 : excess.toString(2).length);
  const unrounded = times(fraction(BigInt(toHz), BigInt(fromHz)), powerOfTwo(shift));
  const ppb = ppbOff(times(fraction(BigInt(mult)), fraction(unrounded.denominator, unrounded.numerator)));
  const larger = ((BigInt(toHz) << BigInt(shift + 1)) + BigInt(fromHz) / 2n) / BigInt(fromHz);
  const rejected: readonly Term[] =
    shift === 32
      ? []
      : [worked("rejectedMult", "one more", `round(to · 2^${shift + 1} / from), too large`, larger)];
  const direction = ppb.numerator < 0n ? "slow" : "fast";
  return {
    calculator: "mult-shift",
    title: "mult and shift of a clocksource: units = cycles · mult >> shift",
    sections: [
      {
        heading: "given",
        terms: [
          given("from", "from", BigInt(fromHz), "Hz"),
          given("to", "to", BigInt(toHz), "Hz"),
          given("bits", "counter", BigInt(bits), "bits"),
          {
            ...given("maxSec", "max_sec", BigInt(maxSec), "s"),
            formula: input.maxSec === undefined ? "what a counter of that width must hold" : "",
          },
        ],
      },
      {
        heading: "worked out",
        terms: [
          worked("excess", "excess", "max_sec · from >> 32", excess),
          worked("room", "room", "32 − bits of excess: mult < 2^room", room, "bits"),
          ...rejected,
          worked("shift", "shift", "the largest from 32 down that fits", BigInt(shift)),
          worked("unroundedMult", "unrounded", "to · 2^shift / from", unrounded),
          worked("mult", "mult", "round(unrounded)", BigInt(mult)),
          worked("rateError", "rate error", "mult / unrounded − 1", ppb, "ppb"),
          worked("rateErrorPerDay", "per day", "rate error · 86 400 s", ppbToMsPerDay(ppb), "ms"),
        ],
      },
      registered(mult, shift, mask, toHz === NSEC_PER_SEC ? "ns" : "ticks"),
    ],
    meaning:
      ppb.numerator === 0n
        ? "The pair is exact: a clock kept with it follows its counter without drift."
        : `A clock kept with this pair runs ${direction} against its own counter by the rate error, for as long as it is not steered: rounding mult is all that causes it.`,
    source: "docs/model/clocksource-tsc §2.1 and §2.2",
  };
}
