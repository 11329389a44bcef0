/**
 * What an observation is made of, as `explain` splits it: a staircase from the whole down to what is left, each step as
 * long as the share of its cause, and the same in figures.
 */
import { scaleLinear } from "d3-scale";
import type { Explanation } from "../../explain/explain.js";
import { rateOf } from "../../explain/json.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { formatRate } from "../explanation.js";
import { wrap } from "../wrap.js";
import { chart, share, UNITS_ACROSS } from "./chart-frame.js";
import { exactly } from "./exactly.js";
import { type Child, element, type Html } from "./markup.js";
import { dataTable } from "./table.js";

/** Characters of a line over a bar: what a telephone has room for, beside the figure. */
const LINE_CHARACTERS = 36;
const LINE = 16;
const BAR = 14;
/** Pixels between a bar and the words of the next. */
const AIR = 14;
/** Of the units across: a share that is not nothing shows. */
const LEAST_BAR = 2;

/** A step of the staircase: from what there was before it to what there is after it. */
interface Step {
  readonly title: string;
  readonly from: bigint;
  readonly to: bigint;
  readonly kind: "whole" | "share" | "rest";
}

const sizeOf = ({ from, to }: Step): bigint => from - to;

function stepsOf({ total, shares, rest, restTitle }: Explanation, title: string): readonly Step[] {
  const steps: Step[] = [{ title: `in all: ${title}`, from: total, to: 0n, kind: "whole" }];
  let before = total;
  for (const { term, share: size } of shares) {
    steps.push({ title: term.title, from: before, to: before - size, kind: "share" });
    before -= size;
  }
  return [...steps, { title: `left: ${restTitle}`, from: rest, to: 0n, kind: "rest" }];
}

function staircase(steps: readonly Step[], shown: (value: bigint) => string, summary: string): Html {
  const ends = steps.flatMap(({ from, to }) => [Number(from), Number(to)]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const x = scaleLinear()
    .domain(low === high ? [low, low + 1] : [low, high])
    .range([0, UNITS_ACROSS]);
  const zero = share(x(Math.min(Math.max(0, low), high)));
  let y = 0;
  const drawn: Html[] = [];
  for (const step of steps) {
    const lines = wrap(step.title, LINE_CHARACTERS);
    for (const [index, text] of lines.entries()) {
      drawn.push(element("text", { x: 0, y: y + 12 + index * LINE }, text));
    }
    drawn.push(
      element("text", { class: "figure", x: "100%", y: y + 12, "text-anchor": "end" }, shown(sizeOf(step))),
    );
    y += lines.length * LINE + 2;
    const [from, to] = [x(Number(step.from)), x(Number(step.to))];
    drawn.push(
      element("rect", {
        // A share against the others is drawn hollow: it leads back up.
        class: `bar ${step.kind}${sizeOf(step) < 0n ? " against" : ""}`,
        x: share(Math.min(from, to)),
        y,
        width: share(step.from === step.to ? 0 : Math.max(Math.abs(from - to), LEAST_BAR)),
        height: BAR,
      }),
    );
    drawn.push(element("line", { class: "axis", x1: zero, x2: zero, y1: y - 1, y2: y + BAR + 1 }));
    y += BAR + AIR;
  }
  const height = y - AIR;
  return chart(summary, height, { top: 8, right: 0, bottom: 8, left: 0 }, drawn);
}

function budgetTable(explanation: Explanation, title: string): Html {
  const { unit, total, shares, rest, restTitle, overNs } = explanation;
  const shown = (value: bigint): Child => exactly(value, formatQuantity(value, unit, { signs: "both" }));
  const rate = (value: bigint): readonly Child[] => {
    if (overNs === undefined) return [];
    const ppt = rateOf(value, overNs);
    return [ppt === undefined ? "–" : formatRate(ppt)];
  };
  return dataTable({
    caption: "Each cause taken away after those above it, and alone",
    heads: ["cause", "share", ...(overNs === undefined ? [] : ["as a rate"]), "alone"],
    rows: [
      ...shares.map(({ term, share: size, alone }) => ({
        head: term.title,
        cells: [shown(size), ...rate(size), shown(alone)],
      })),
      { head: `left: ${restTitle}`, cells: [shown(rest), ...rate(rest), ""] },
      { head: `in all: ${title}`, cells: [shown(total), ...rate(total), ""] },
    ],
  });
}

/**
 * The split of an observation as a chart and a table.
 *
 * @param title - what the observation is called
 */
export function budgetChart(explanation: Explanation, title: string): Html {
  const { unit, kernel } = explanation;
  const shown = (value: bigint): string => formatQuantity(value, unit, { signs: "both" });
  const steps = stepsOf(explanation, title);
  const words = steps.map((step) => `${step.title}, ${shown(sizeOf(step))}`).join("; ");
  return element(
    "figure",
    { class: "plot budget" },
    element(
      "figcaption",
      {},
      `What “${title}” is made of on ${kernel}: each cause taken away after those above it`,
    ),
    staircase(steps, shown, `${words}.`),
    budgetTable(explanation, title),
  );
}
