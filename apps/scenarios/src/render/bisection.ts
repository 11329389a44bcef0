import type { BisectPoint, BisectResult, Seen } from "../bisect/bisect.js";
import type { Step } from "../bisect/path.js";
import { AXES } from "../kernels/axes.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { alignedTable } from "./aligned-table.js";
import { digitsToTellAll } from "./differs.js";
import { showObservation } from "./observations.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";
import { hang, wrap } from "./wrap.js";

const INDENT = "  ";

/** What one observes with the value an axis took. */
function effectOf(axis: string, value: string): string {
  const known = AXES.find(({ name }) => name === axis);
  const change = known?.history.find((candidate) => candidate.value === value);
  return change?.effect ?? known?.alternatives?.[value]?.effect ?? "";
}

function stepName({ commit, release, moves }: Step): string {
  const [move] = moves;
  if (release === undefined) return `proposal ${move?.axis}=${move?.to}`;
  return `${commit ?? "no commit known"} (${release})`;
}

function stepMoves({ moves }: Step): string {
  return moves.map(({ axis, from, to }) => `${axis} ${from} → ${to}`).join(", ");
}

/** Prints a bisection: the way, what was seen on it, and the step that changed it. */
export function renderBisection(
  scenario: ScenarioDefinition,
  result: BisectResult,
  style: Style,
  width: number,
): string {
  const text = (line: string): readonly string[] => wrap(line, width - 2).map((part) => INDENT + part);
  return [
    "",
    INDENT + style.heading(scenario.title),
    ...text(question(scenario, result)),
    "",
    ...wayLines(scenario, result, style, width),
    "",
    ...answer(scenario, result, style, width),
    ...text(effort(result)),
    "",
  ].join("\n");
}

function question(scenario: ScenarioDefinition, { observe, until, from, to }: BisectResult): string {
  const what = until ?? `${scenario.observe[observe]?.title ?? observe} (${observe})`;
  return `${until === undefined ? "What changed" : "What brought"} “${what}” between ${from.name} and ${to.name}?`;
}

/** Writes what was seen on the way: values that differ are not written alike. */
function seenWriter(
  { observe: specs }: Pick<ScenarioDefinition, "observe">,
  { observe, points }: BisectResult,
): (seen: Seen | undefined) => string {
  const spec = specs[observe];
  const values = points.map(({ seen }) => seen?.quantity?.value);
  const digits = spec === undefined ? undefined : digitsToTellAll(values, spec.unit);
  return (seen) => {
    if (seen === undefined || spec === undefined) return "";
    const value = showObservation(seen.quantity, spec, digits);
    if (seen.holds === undefined) return value;
    return `${value}  ${seen.holds ? "holds" : "does not hold"}`;
  };
}

function wayLines(
  scenario: ScenarioDefinition,
  result: BisectResult,
  style: Style,
  width: number,
): readonly string[] {
  const { points, changes, from } = result;
  const seenText = seenWriter(scenario, result);
  const marked = new Set(changes.map(({ step }) => step));
  const cells = ({ step, seen }: BisectPoint): readonly [string, string, string, string] => {
    const name = step === undefined ? from.name : `+ ${stepName(step)}`;
    const isHere = step !== undefined && marked.has(step);
    const value = seenText(seen);
    return [
      name,
      step === undefined ? "" : stepMoves(step),
      isHere ? style.differs(value) : value,
      isHere ? "◀ here" : "",
    ];
  };
  const rows = points.map(cells);
  const wide = alignedTable(rows, ["left", "left", "left", "left"]).map((line) => INDENT + line.trimEnd());
  if (wide.every((line) => visibleWidth(line) <= width)) return wide;
  // Too wide for one line each: what a step moves goes below it.
  const narrow = alignedTable(
    rows.map(([name, , value, mark]) => [name, value, mark]),
    ["left", "left", "left"],
  );
  return narrow.flatMap((line, i) => [INDENT + line.trimEnd(), ...hang("", rows[i]?.[1] ?? "", 6, width)]);
}

function answer(
  scenario: ScenarioDefinition,
  result: BisectResult,
  style: Style,
  width: number,
): readonly string[] {
  const { changes, observe, from, to } = result;
  const seenText = seenWriter(scenario, result);
  const [first, ...others] = changes;
  if (first === undefined) {
    return wrap(
      `Nothing: ${scenario.observe[observe]?.title ?? observe} is the same on ${from.name} and ${to.name}.`,
      width - 2,
    ).map((line) => INDENT + line);
  }
  const effects = first.step.moves.map(({ axis, to: value }) => `${axis}: ${effectOf(axis, value)}`);
  const values = `${seenText(first.before)} → ${seenText(first.after)}`;
  return [
    ...hang(`${INDENT}answer`, `${stepName(first.step)}: ${values}`, 10, width).map((line, i) =>
      i === 0 ? style.heading(line) : line,
    ),
    ...effects.flatMap((effect) => hang("", effect, 10, width)),
    ...(others.length === 0
      ? []
      : hang(
          `${INDENT}then`,
          `it changed again with ${others.map(({ step }) => stepName(step)).join(", ")}`,
          10,
          width,
        )),
  ];
}

function effort({ search, runs, points, changes }: BisectResult): string {
  const of = `${runs} of ${points.length} kernels run`;
  if (search === "exhaustive") return `exhaustive search, ${of}: a kernel between gave a third value`;
  if (changes.length === 0) return `no search, ${of}: both ends gave the same value`;
  const kept = `binary search, ${of}: each gave the value of one end or the other`;
  return runs === points.length ? kept : `${kept}, so that it is taken to have changed once`;
}
