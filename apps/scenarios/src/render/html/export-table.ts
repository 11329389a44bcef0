/** The files beside a report that hold what happened in its runs. */
import { sizeText } from "../../export/size-text.js";
import type { WrittenStretch } from "../../export/trace-window.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { groupThousands } from "../../units/group-thousands.js";
import { element, type Html } from "./markup.js";
import { dataTable } from "./table.js";

/** A file beside a report. */
export interface ExportLink {
  /** In the report's directory. */
  readonly name: string;
  readonly bytes: number;
}

/** What a report has of one run, besides its figures. */
export interface StoryExport {
  /** Over its column. */
  readonly label: string;
  readonly kernel: string;
  readonly stretch: WrittenStretch;
  readonly perfetto: ExportLink;
  readonly log: ExportLink;
  readonly series: ExportLink;
  /** The command that writes all of the run. */
  readonly command: string;
}

function coverage({ fromNs, toNs, ended }: WrittenStretch): string {
  const end = formatQuantity(toNs, "ns");
  if (fromNs > 0n) return `${formatQuantity(fromNs, "ns")} to ${end}`;
  return ended === "with the run" ? `all ${end}` : `first ${end}`;
}

/** A file by its size: what it is, the head of its column says. */
function link({ name, bytes }: ExportLink): Html {
  // Without the dot, a name with a colon in it would be read as an address.
  return element("a", { href: `./${encodeURIComponent(name)}`, title: name }, sizeText(bytes));
}

/** What each run wrote and how to have all of it; nothing where nothing was written. */
export function exportTable(exports: readonly StoryExport[]): readonly (Html | undefined)[] {
  if (exports.length === 0) return [];
  return [
    element(
      "p",
      {},
      "What happened in each run, event by event: a trace for ",
      element("a", { href: "https://ui.perfetto.dev", rel: "noreferrer" }, "ui.perfetto.dev"),
      ", the kernel’s log as ",
      element("code", {}, "trace-cmd"),
      " would have it, and clocks and counters as a table.",
    ),
    dataTable({
      caption: "Files beside this page",
      heads: ["run", "of it", "events", "trace", "log", "table"],
      rows: exports.map(({ label, stretch, perfetto, log, series }) => ({
        head: label,
        cells: [
          coverage(stretch),
          groupThousands(BigInt(stretch.events)),
          link(perfetto),
          link(log),
          link(series),
        ],
      })),
    }),
    exports.every(({ stretch }) => stretch.ended === "with the run")
      ? undefined
      : element(
          "details",
          {},
          element("summary", {}, "All of a run"),
          element(
            "ul",
            {},
            exports.map(({ command }) => element("li", {}, element("code", {}, command))),
          ),
        ),
  ];
}
