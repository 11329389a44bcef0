import { ChronovisorError, didYouMean } from "../errors.js";
import type { NumericUnit } from "../units/dimensions.js";
import { parseQuantity } from "../units/parse-quantity.js";
import type { ObservationSpec, Quantity } from "./types.js";

/** A comparison of one observation with a value. */
export interface Condition {
  /** As it was written. */
  readonly text: string;
  readonly observation: string;
  readonly operator: Operator;
  readonly value: bigint | string | boolean;
}

const OPERATORS = ["<=", ">=", "==", "!=", "<", ">"] as const;

/** What a condition compares by. */
export type Operator = (typeof OPERATORS)[number];

const COMPARED: Readonly<Record<Operator, (order: number) => boolean>> = {
  "<=": (order) => order <= 0,
  ">=": (order) => order >= 0,
  "==": (order) => order === 0,
  "!=": (order) => order !== 0,
  "<": (order) => order < 0,
  ">": (order) => order > 0,
};

const SHAPE = /^([A-Za-z]\w*)\s*(<=|>=|==|!=|<|>)\s*(.+)$/;

/** Words and flags have no order. */
const isOrdered = (operator: Operator): boolean => operator !== "==" && operator !== "!=";

/**
 * Reads a condition on what a scenario observes: `late <= 10ns`, `lost == 0`, `line == 103243/100000 (3.2430%)`, and several
 * of them joined by `&&`. A bare number is in the observation's own unit.
 *
 * @throws ChronovisorError naming what is wrong: the shape, an unknown observation, a value of another dimension.
 */
export function parseConditions(
  text: string,
  observe: Readonly<Record<string, ObservationSpec>>,
): readonly Condition[] {
  return text.split("&&").map((part) => parseCondition(part.trim(), observe));
}

function parseCondition(text: string, observe: Readonly<Record<string, ObservationSpec>>): Condition {
  const [, observation = "", operator = "", written = ""] = SHAPE.exec(text) ?? [];
  if (observation === "") {
    throw new ChronovisorError(
      `expected an observation, one of ${OPERATORS.join(" ")}, and a value, got "${text}"`,
    );
  }
  const spec = Object.hasOwn(observe, observation) ? observe[observation] : undefined;
  if (spec === undefined) {
    const names = Object.keys(observe);
    throw new ChronovisorError(
      `expected an observation (${names.join(", ")}), got "${observation}"${didYouMean(observation, names)}`,
    );
  }
  const parsed = { text, observation, operator: operator as Operator };
  if (spec.unit !== "name" && spec.unit !== "flag") {
    return { ...parsed, value: parseQuantity(written, spec.unit as NumericUnit) };
  }
  if (isOrdered(parsed.operator)) {
    throw new ChronovisorError(`expected == or != for ${observation}, which is no number, got "${text}"`);
  }
  if (spec.unit === "name") return { ...parsed, value: written };
  if (written !== "yes" && written !== "no") {
    throw new ChronovisorError(`expected yes or no for ${observation}, got "${written}"`);
  }
  return { ...parsed, value: written === "yes" };
}

/** Whether a run meets a condition. What it did not measure meets none but `!=`. */
export function meets(
  condition: Condition,
  observations: Readonly<Record<string, Quantity | undefined>>,
): boolean {
  const got = observations[condition.observation]?.value;
  if (got === undefined) return condition.operator === "!=";
  const order = got === condition.value ? 0 : got < condition.value ? -1 : 1;
  return COMPARED[condition.operator](order);
}
