/** Tables: heads that say what they are heads of, in a frame that scrolls where a page is narrower than the table. */
import { type Child, element, type Html } from "./markup.js";

export interface TableRow {
  /** What the row is about. */
  readonly head: Child;
  readonly cells: readonly Child[];
}

export interface TableSpec {
  /** What the table shows: its name, whether it is seen or read out. */
  readonly caption: string;
  /** Over the heads of the rows, and over each column. */
  readonly heads: readonly Child[];
  readonly rows: readonly TableRow[];
  /** Figures stand on their last digit; words, and the outcomes of expectations, begin at the left. Signs do without words. */
  readonly cells?: "figures" | "words" | "outcomes" | "outcomes signs";
}

/** A frame that scrolls what is too wide for it, by keyboard too. */
function scrolling(label: string, ...children: readonly Child[]): Html {
  return element("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, ...children);
}

/** A table with a head over each column and one before each row. */
export function dataTable({ caption, heads, rows, cells = "figures" }: TableSpec): Html {
  return scrolling(
    caption,
    element(
      "table",
      { class: cells },
      element("caption", {}, caption),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          heads.map((head) => element("th", { scope: "col" }, head)),
        ),
      ),
      element(
        "tbody",
        {},
        rows.map(({ head, cells: values }) =>
          element(
            "tr",
            {},
            element("th", { scope: "row" }, head),
            values.map((value) => element("td", {}, value)),
          ),
        ),
      ),
    ),
  );
}

/** What is not as in the first column: bold, with a mark, and said. */
export function differing(value: Child): Html {
  return element(
    "strong",
    { class: "differs" },
    value,
    element("span", { "aria-hidden": "true" }, "*"),
    element("span", { class: "said" }, " (differs)"),
  );
}
