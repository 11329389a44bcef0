import type { Quantity, Unit } from "../scenario/types.js";
import type { BisectChange, BisectResult, Seen } from "./bisect.js";
import type { Step } from "./path.js";

/** An observation as JSON has it; null where there was nothing to measure. */
export interface JsonSeen {
  readonly value: string | boolean;
  readonly unit: Unit;
}

/** One change as JSON has it. */
export interface JsonBisectChange {
  readonly commit: string | null;
  readonly release: string | null;
  readonly axis: string;
  readonly moves: ReadonlyArray<{ readonly axis: string; readonly from: string; readonly to: string }>;
  readonly before: JsonSeen | null;
  readonly after: JsonSeen | null;
}

/** What stands where nothing changed. */
interface NoChange {
  readonly commit: null;
  readonly release: null;
  readonly axis: null;
  readonly moves: readonly [];
  readonly before: null;
  readonly after: null;
}

/** A bisection as JSON has it: what was found first on top, everything that was looked at below. */
export type JsonBisect = (JsonBisectChange | NoChange) & JsonSearch;

interface JsonSearch {
  readonly scenario: string;
  readonly observe: string;
  readonly until: string | null;
  readonly from: string;
  readonly to: string;
  readonly search: "binary" | "exhaustive";
  readonly runs: number;
  readonly changes: readonly JsonBisectChange[];
  readonly points: ReadonlyArray<Record<string, unknown>>;
}

const NO_CHANGE: NoChange = { commit: null, release: null, axis: null, moves: [], before: null, after: null };

function jsonQuantity(quantity: Quantity | undefined): JsonSeen | null {
  if (quantity === undefined) return null;
  const { value, unit } = quantity;
  return { value: typeof value === "bigint" ? value.toString() : value, unit };
}

const jsonSeen = ({ quantity }: Seen): JsonSeen | null => jsonQuantity(quantity);

function jsonStep({
  commit,
  release,
  moves,
}: Step): Pick<JsonBisectChange, "commit" | "release" | "axis" | "moves"> {
  return { commit: commit ?? null, release: release ?? null, axis: moves[0]?.axis ?? "", moves };
}

function jsonChange({ step, before, after }: BisectChange): JsonBisectChange {
  return { ...jsonStep(step), before: jsonSeen(before), after: jsonSeen(after) };
}

/** A bisection, JSON-safe: what `bisect --json` prints. Integers are decimal strings. */
export function bisectToJson(result: BisectResult): JsonBisect {
  const { scenario, observe, until, from, to, search, runs } = result;
  const changes = result.changes.map(jsonChange);
  const [first] = changes;
  return {
    scenario,
    observe,
    until: until ?? null,
    from: from.name,
    to: to.name,
    ...(first ?? NO_CHANGE),
    search,
    runs,
    changes,
    points: result.points.map(({ step, seen }) => ({
      ...(step === undefined ? { commit: null, release: null } : jsonStep(step)),
      seen: seen === undefined ? null : jsonSeen(seen),
      ...(seen?.holds === undefined ? {} : { holds: seen.holds }),
    })),
  };
}
