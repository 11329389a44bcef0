import type { Explanation } from "../explain/explain.js";
import { rateOf } from "../explain/json.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { formatAlike } from "../units/format-alike.js";
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
function bar(value: bigint, largest: bigint, room: number): string {
  if (largest === 0n) return "";
  const eighths = Number((magnitude(value) * BigInt(room * 8)) / largest);
  const full = Math.floor(eighths / 8);
  if (value < 0n) return "░".repeat(Math.max(full, 1));
  return "█".repeat(full) + (EIGHTHS[eighths % 8] ?? "");
}

interface Row {
  readonly title: string;
  readonly cells: readonly [share: string, rate: string, alone: string];
  /** What its bar is drawn for; the total has none. */
  readonly drawn: bigint | undefined;
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
  const numbers = numbersOf(explanation);
  const lines = (text: string): readonly string[] => wrap(text, width - 2).map((line) => INDENT + line);
  return [
    "",
    INDENT + style.heading(scenario.title),
    ...lines(`What “${title}” is made of on ${kernel}: each cause taken away after those above it.`),
    "",
    ...rowLines(rowsOf(explanation, title, numbers), numbers.heads, style, width),
    "",
    ...lines(
      "The shares and what is left sum to the total. Alone: what changes if nothing else is taken away; causes that need each other differ there.",
    ),
    "",
  ].join("\n");
}

/** The table's numbers, written alike: what stands in a column sums as it is written. */
function numbersOf({ unit, total, shares, rest }: Explanation): {
  readonly heads: readonly [share: string, alone: string];
  readonly shares: readonly string[];
  readonly alone: readonly string[];
} {
  const column = [...shares.map(({ share }) => share), rest, total];
  const { symbol, texts } = formatAlike([...column, ...shares.map(({ alone }) => alone)], unit);
  const head = (text: string): string => (symbol === "" ? text : `${text}, ${symbol}`);
  return {
    heads: [head("share"), head("alone")],
    shares: texts.slice(0, column.length),
    alone: texts.slice(column.length),
  };
}

function rowsOf(
  explanation: Explanation,
  title: string,
  numbers: ReturnType<typeof numbersOf>,
): readonly Row[] {
  const { total, shares, rest, restTitle, overNs } = explanation;
  const rate = (value: bigint): string => {
    const ppt = rateOf(value, overNs);
    return ppt === undefined ? "" : formatRate(ppt);
  };
  const row = (text: string, value: bigint, line: number, drawn?: bigint): Row => ({
    title: text,
    cells: [numbers.shares[line] ?? "", rate(value), numbers.alone[line] ?? ""],
    drawn,
  });
  return [
    ...shares.map(({ term, share }, line) => row(term.title, share, line, share)),
    row(`left: ${restTitle}`, rest, shares.length, rest),
    row(`in all: ${title}`, total, shares.length + 1),
  ];
}

/** Numbers in columns, then what they belong to, and below it its bar. */
function rowLines(
  rows: readonly Row[],
  [share, alone]: readonly [share: string, alone: string],
  style: Style,
  width: number,
): readonly string[] {
  const hasRates = rows.some(({ cells }) => cells[1] !== "");
  const picked = (cells: Row["cells"]): readonly string[] => (hasRates ? cells : [cells[0], cells[2]]);
  const heads = picked([share, "as a rate", alone]);
  const numbers = alignedTable(
    [heads, ...rows.map(({ cells }) => picked(cells))],
    heads.map(() => "right" as const),
  );
  const indent = INDENT.length + Math.max(...numbers.map(visibleWidth)) + 2;
  const [head = "", ...cells] = numbers;
  const largest = rows.map(({ drawn = 0n }) => magnitude(drawn)).reduce((a, b) => (a > b ? a : b), 0n);
  const room = Math.max(1, Math.min(BAR, width - indent));
  return [
    style.aside(INDENT + head),
    ...rows.flatMap((row, i) => {
      const isTotal = i === rows.length - 1;
      const text = hang(INDENT + (cells[i] ?? ""), row.title, indent, width);
      return [
        ...text.map((line) => (isTotal ? style.heading(line) : line)),
        ...barLine(row, largest, room).map((line) => " ".repeat(indent) + line),
      ];
    }),
  ];
}

/** The bar of a row, if it is long enough to be seen. */
function barLine({ drawn }: Row, largest: bigint, room: number): readonly string[] {
  const drawing = drawn === undefined || drawn === 0n ? "" : bar(drawn, largest, room);
  return drawing === "" ? [] : [drawing];
}

/** A rate in parts per 10^12, shown in parts per 10^9: `+400.000 ppb`. */
export function formatRate(ppt: bigint): string {
  const sign = ppt < 0n ? "−" : "+";
  const size = magnitude(ppt);
  return `${sign}${size / 1000n}.${(size % 1000n).toString().padStart(3, "0")} ppb`;
}
