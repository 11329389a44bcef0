import type { DocumentResult } from "../document/run-document.js";
import type { Expectation } from "../scenario/types.js";

/** A test point's description, in which TAP gives `#` and `\` a meaning. */
const escaped = (text: string): string => text.replace(/[\\#]/g, "\\$&").replace(/\s+/g, " ");

/** Results of documents in the Test Anything Protocol, version 14: a test point per expectation. */
export function renderTap(results: readonly DocumentResult[]): string {
  const points = results.flatMap(({ document, expectations }) =>
    expectations.map((expectation) => ({ file: document.name, expectation })),
  );
  const lines = points.flatMap(({ file, expectation }, i) => point(i + 1, file, expectation));
  return `${["TAP version 14", `1..${points.length}`, ...lines].join("\n")}\n`;
}

function point(number: number, file: string, { text, held, got }: Expectation): readonly string[] {
  const line = `${held === true ? "ok" : "not ok"} ${number} - ${escaped(`${file}: ${text}`)}`;
  if (held === true) return [line];
  return [line, "  ---", `  expected: ${JSON.stringify(text)}`, `  got: ${JSON.stringify(got)}`, "  ..."];
}
