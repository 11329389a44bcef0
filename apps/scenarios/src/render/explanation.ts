import type { Explanation } from "../explain/explain.js";
import { rateOf } from "../explain/json.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";
import { alignedTable } from "./aligned-table.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";
import { hang, wrap } from "./wrap.js";

const INDENT = "  ";
/** Columns of the longest bar. */
const BAR = 24;
/** Eighths of a column, for the end of a bar. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** A bar as long as `value` is to `largest`; a share against the others is drawn hollow. */
function bar(value: bigint, largest: bigint): string {
  if (largest === 0n) return "";
  const eighths = Number((magnitude(value) * BigInt(BAR * 8)) / largest);
  const full = Math.floor(eighths / 8);
  if (value < 0n) return "░".repeat(Math.max(full, 1));
  return "█".repeat(full) + (EIGHTHS[eighths % 8] ?? "");
}

interface Row {
  readonly title: string;
  readonly cells: readonly [share: string, rate: string, alone: string];
  readonly bar: string;
}

/** Prints how an observation splits into its causes: the numbers, what each is, and a bar for its size. */
export function renderExplanation(
  scenario: ScenarioDefinition,
  explanation: Explanation,
  style: Style,
  width: number,
): string {
  const { observation, kernel } = explanation;
  const title = scenario.observe[observation]?.title ?? observation;
  const lines = (text: string): readonly string[] => wrap(text, width - 2).map((line) => INDENT + line);
  return [
    "",
    INDENT + style.heading(scenario.title),
    ...lines(`What “${title}” is made of on ${kernel}: each cause taken away after those above it.`),
    "",
    ...rowLines(rowsOf(explanation, title), style, width),
    "",
    ...lines("alone: what changes if nothing else is taken away; causes that need each other differ there."),
    "",
  ].join("\n");
}

function rowsOf(
  { unit, total, shares, rest, restTitle, overNs }: Explanation,
  title: string,
): readonly Row[] {
  const shown = (value: bigint): string => formatQuantity(value, unit, { signs: "both" });
  const rate = (value: bigint): string => {
    const ppt = rateOf(value, overNs);
    return ppt === undefined ? "" : formatRate(ppt);
  };
  const largest = [...shares.map(({ share }) => share), rest]
    .map(magnitude)
    .reduce((a, b) => (a > b ? a : b));
  return [
    ...shares.map(
      ({ term, share, alone }): Row => ({
        title: term.title,
        cells: [shown(share), rate(share), shown(alone)],
        bar: bar(share, largest),
      }),
    ),
    { title: `left: ${restTitle}`, cells: [shown(rest), rate(rest), ""], bar: bar(rest, largest) },
    { title: `in all: ${title}`, cells: [shown(total), rate(total), ""], bar: "" },
  ];
}

/** Numbers in columns, then what they belong to, and below it its bar. */
function rowLines(rows: readonly Row[], style: Style, width: number): readonly string[] {
  const hasRates = rows.some(({ cells }) => cells[1] !== "");
  const picked = (cells: Row["cells"]): readonly string[] => (hasRates ? cells : [cells[0], cells[2]]);
  const heads = picked(["share", "as a rate", "alone"]);
  const numbers = alignedTable(
    [heads, ...rows.map(({ cells }) => picked(cells))],
    heads.map(() => "right" as const),
  );
  const indent = INDENT.length + Math.max(...numbers.map(visibleWidth)) + 2;
  const [head = "", ...cells] = numbers;
  return [
    style.aside(INDENT + head),
    ...rows.flatMap((row, i) => {
      const isTotal = i === rows.length - 1;
      const text = hang(INDENT + (cells[i] ?? ""), row.title, indent, width);
      return [
        ...text.map((line) => (isTotal ? style.heading(line) : line)),
        ...(row.bar === "" ? [] : [" ".repeat(indent) + row.bar]),
      ];
    }),
  ];
}

/** A rate in parts per 10^12, shown in parts per 10^9: `+400.000 ppb`. */
export function formatRate(ppt: bigint): string {
  const sign = ppt < 0n ? "−" : "+";
  const size = magnitude(ppt);
  return `${sign}${size / 1000n}.${(size % 1000n).toString().padStart(3, "0")} ppb`;
}
