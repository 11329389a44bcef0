/** What was expected of every run, whether it held, and why it should. */
import type { Expectation } from "../../scenario/types.js";
import { type Column, columnLabels } from "../column.js";
import { countHeld } from "../expectations.js";
import { type Child, element, type Html } from "./markup.js";
import { dataTable } from "./table.js";

const OUTCOMES = {
  held: { sign: "✓", word: "held" },
  broken: { sign: "✗", word: "not held" },
  "not-applicable": { sign: "–", word: "not applicable" },
} as const;

const LEGEND =
  "✓ held, ✗ not held, – not applicable: stated for other parameters or behaviours than those of the run";

/** More runs than this have room for a sign each; its word is still read out. */
const MOST_WORDS = 4;

type Outcome = keyof typeof OUTCOMES;

function outcomeOf(held: boolean | undefined): Outcome {
  if (held === undefined) return "not-applicable";
  return held ? "held" : "broken";
}

/** A sign and its word: colour only goes with them. */
export function outcomeMark(outcome: Outcome, word: string = OUTCOMES[outcome].word): Html {
  return element(
    "span",
    { class: outcome },
    element("span", { class: "sign", "aria-hidden": "true" }, OUTCOMES[outcome].sign),
    element("span", { class: "word" }, ` ${word}`),
  );
}

/** The figures an expectation was judged by, in every run it applies to. */
function figures(judged: readonly (Expectation | undefined)[], labels: readonly string[]): Html | undefined {
  const applied = judged.flatMap((one, place) =>
    one === undefined || one.held === undefined ? [] : [[labels[place] ?? "", one] as const],
  );
  if (applied.length === 0) return undefined;
  const isBroken = applied.some(([, { held }]) => held === false);
  return element(
    "details",
    isBroken ? { open: "" } : {},
    element("summary", {}, "figures"),
    element(
      "ul",
      {},
      applied.map(([label, { held, expected, got }]) =>
        element(
          "li",
          { class: held === false ? "broken" : undefined },
          `${labels.length > 1 ? `${label}: ` : ""}expected ${expected}, got ${got}`,
        ),
      ),
    ),
  );
}

/** Every expectation with its outcome in each run; runs of one scenario share their expectations. */
export function expectationTable(columns: readonly Column[]): readonly Html[] {
  const [first] = columns;
  if (first === undefined || first.result.expectations.length === 0) return [];
  const labels = columnLabels(columns);
  const rows = first.result.expectations.map(({ text, reason }, index) => {
    const judged = columns.map(({ result }) => result.expectations[index]);
    const head: Child = [text, element("small", {}, reason), figures(judged, labels)];
    return { head, cells: judged.map((one) => outcomeMark(outcomeOf(one?.held))) };
  });
  return [
    element("p", {}, `${countHeld(columns.map(({ result }) => result))}.`),
    dataTable({
      caption: "Expectations and their outcome, run by run",
      heads: ["expected, and why", ...(columns.length > 1 ? labels : ["outcome"])],
      rows,
      cells: columns.length > MOST_WORDS ? "outcomes signs" : "outcomes",
    }),
    element("p", { class: "note" }, LEGEND),
  ];
}
