/** A calculation written out: what was given, every intermediate value with its formula, and what the result means. */
import { type Fraction, toDecimal } from "./fraction.js";

/** Decimals a fraction is shown with; `--json` carries the fraction itself too. */
export const DECIMALS = 6;

/** One value. */
export interface Term {
  /** Its key in `--json`. */
  readonly name: string;
  readonly label: string;
  /** How it follows from the terms above it; empty for what was given. */
  readonly formula: string;
  readonly value: bigint | Fraction | string;
  /** Empty for a bare number. */
  readonly unit: string;
}

/** Terms that belong together. */
export interface Section {
  readonly heading: string;
  readonly terms: readonly Term[];
}

/** How far two clocks part, as exact rates. */
export interface ClockPairRow {
  /** The clock that is ahead where the rate is positive. */
  readonly clock: string;
  readonly against: string;
  readonly ppb: Fraction;
  readonly msPerDay: Fraction;
}

/** A calculation, ready to be printed. */
export interface Worksheet {
  readonly calculator: string;
  readonly title: string;
  readonly sections: readonly Section[];
  /** Every pair of clocks, where clocks are compared. */
  readonly pairs?: readonly ClockPairRow[];
  /** What the result means. */
  readonly meaning: string;
  /** Where the rules are specified. */
  readonly source: string;
}

/** A term that was asked for. */
export function given(name: string, label: string, value: Term["value"], unit = ""): Term {
  return { name, label, formula: "", value, unit };
}

/** A term that follows from those above it. */
export function worked(name: string, label: string, formula: string, value: Term["value"], unit = ""): Term {
  return { name, label, formula, value, unit };
}

function exactFraction({ numerator, denominator }: Fraction): string {
  return denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`;
}

function valueToJson(value: Term["value"]): Record<string, string> {
  if (typeof value === "string") return { value };
  if (typeof value === "bigint") return { value: value.toString() };
  return { value: toDecimal(value, DECIMALS), exact: exactFraction(value) };
}

function termToJson({ value, unit, formula }: Term): Record<string, string> {
  return {
    ...valueToJson(value),
    ...(unit === "" ? {} : { unit }),
    ...(formula === "" ? {} : { formula }),
  };
}

/** What `--json` prints: whole numbers as decimal strings, fractions rounded and exact. */
export function worksheetToJson(worksheet: Worksheet): Record<string, unknown> {
  const { calculator, sections, pairs, meaning, source } = worksheet;
  const terms = sections.flatMap((section) => section.terms);
  return {
    calculator,
    terms: Object.fromEntries(terms.map((term) => [term.name, termToJson(term)])),
    ...(pairs === undefined
      ? {}
      : {
          pairs: pairs.map(({ clock, against, ppb, msPerDay }) => ({
            clock,
            against,
            ppb: valueToJson(ppb),
            msPerDay: valueToJson(msPerDay),
          })),
        }),
    meaning,
    source,
  };
}
