import type { Unit } from "../scenario/types.js";

/** A unit a person writes or reads, as a whole number of the dimension's smallest unit. */
export interface Scale {
  /** As it is printed. */
  readonly symbol: string;
  /** As it is typed; the first one is used when a value is printed for typing. */
  readonly typed: readonly [string, ...string[]];
  readonly size: bigint;
}

/** What a quantity measures: how to name it in an error, and the scales it is written in, smallest first. */
export interface Dimension {
  /** Completes "expected …". */
  readonly expected: string;
  readonly scales: readonly [Scale, ...Scale[]];
  /** Hexadecimal is for things that are counted. */
  readonly hexadecimal: "allowed" | "refused";
}

const PS = 1n;
const NS = 1_000n * PS;
const US = 1_000n * NS;
const MS = 1_000n * US;
const S = 1_000n * MS;
const MINUTE = 60n * S;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;

const time: Dimension = {
  expected: "a time such as 10m, 1h or 250us",
  scales: [
    { symbol: "ps", typed: ["ps"], size: PS },
    { symbol: "ns", typed: ["ns"], size: NS },
    // U+00B5 is on keyboards, U+03BC is what Unicode normalisation makes of it.
    { symbol: "µs", typed: ["us", "\u00b5s", "\u03bcs"], size: US },
    { symbol: "ms", typed: ["ms"], size: MS },
    { symbol: "s", typed: ["s"], size: S },
    { symbol: "min", typed: ["m", "min"], size: MINUTE },
    { symbol: "h", typed: ["h"], size: HOUR },
    { symbol: "d", typed: ["d"], size: DAY },
  ],
  hexadecimal: "refused",
};

const frequency: Dimension = {
  expected: "a frequency such as 2.5GHz, 250MHz or 2500000kHz",
  scales: [
    { symbol: "Hz", typed: ["Hz"], size: 1n },
    { symbol: "kHz", typed: ["kHz"], size: 1_000n },
    { symbol: "MHz", typed: ["MHz"], size: 1_000_000n },
    { symbol: "GHz", typed: ["GHz"], size: 1_000_000_000n },
  ],
  hexadecimal: "refused",
};

const ratio: Dimension = {
  expected: "a rate such as 50ppm, -0.5ppm or 10ppb",
  scales: [
    { symbol: "ppb", typed: ["ppb"], size: 1n },
    { symbol: "ppm", typed: ["ppm"], size: 1_000n },
  ],
  hexadecimal: "refused",
};

const cycles: Dimension = {
  expected: "a number of cycles such as 1000, 1_000_000 or 0x1000",
  scales: [{ symbol: "cycles", typed: ["cycles"], size: 1n }],
  hexadecimal: "allowed",
};

const count: Dimension = {
  expected: "a whole number such as 1000, 1_000_000 or 0x1000",
  scales: [{ symbol: "", typed: [""], size: 1n }],
  hexadecimal: "allowed",
};

/** Units that count something; `name` and `flag` do not. */
export type NumericUnit = Exclude<Unit, "name" | "flag">;

const dimensions: Readonly<Record<NumericUnit, Dimension>> = {
  ns: time,
  ps: time,
  cycles,
  Hz: frequency,
  kHz: frequency,
  ppb: ratio,
  count,
};

/** Whether values of `unit` are integers. */
export function isNumericUnit(unit: Unit): unit is NumericUnit {
  return unit !== "name" && unit !== "flag";
}

/** The dimension a base unit belongs to. */
export function dimensionOf(unit: NumericUnit): Dimension {
  return dimensions[unit];
}

/** The scale a base unit itself is. */
export function baseScale(unit: NumericUnit): Scale {
  const { scales } = dimensions[unit];
  return scales.find((scale) => scale.symbol === unit) ?? scales[0];
}

/** Scales not finer than the base unit, smallest first: what a value counted in `unit` can be written in. */
export function scalesFrom(unit: NumericUnit): readonly Scale[] {
  const base = baseScale(unit);
  return dimensions[unit].scales.filter((scale) => scale.size >= base.size);
}
