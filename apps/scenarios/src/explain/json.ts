import type { Unit } from "../scenario/types.js";
import type { Explanation } from "./explain.js";

/** An explanation as JSON has it; integers are decimal strings in the observation's unit. */
export interface JsonExplanation {
  readonly scenario: string;
  readonly kernel: string;
  readonly observation: string;
  readonly unit: Unit;
  readonly total: string;
  readonly terms: ReadonlyArray<{
    readonly name: string;
    readonly title: string;
    readonly share: string;
    readonly alone: string;
    /** The share as a rate, parts per 10^12 of the time it built up in; null where it is no drift. */
    readonly ppt: string | null;
  }>;
  readonly rest: { readonly title: string; readonly value: string };
  readonly overNs: string | null;
}

const PPT = 1_000_000_000_000n;

/** A share as a rate, parts per 10^12, rounded towards zero; undefined where it is no drift. */
export function rateOf(share: bigint, overNs: bigint | undefined): bigint | undefined {
  return overNs === undefined || overNs === 0n ? undefined : (share * PPT) / overNs;
}

/** An explanation, JSON-safe: what `explain --json` prints. */
export function explanationToJson(explanation: Explanation): JsonExplanation {
  const { scenario, kernel, observation, unit, total, shares, rest, restTitle, overNs } = explanation;
  return {
    scenario,
    kernel,
    observation,
    unit,
    total: total.toString(),
    terms: shares.map(({ term, share, alone }) => ({
      name: term.name,
      title: term.title,
      share: share.toString(),
      alone: alone.toString(),
      ppt: rateOf(share, overNs)?.toString() ?? null,
    })),
    rest: { title: restTitle, value: rest.toString() },
    overNs: overNs?.toString() ?? null,
  };
}
