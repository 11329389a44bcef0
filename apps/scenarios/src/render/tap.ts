import type { DocumentResult } from "../document/run-document.js";
import type { Expectation } from "../scenario/types.js";

/** Text on one line. */
const plain = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ");

/** A test point's description, in which TAP gives `#` and `\` a meaning. */
const escaped = (text: string): string => plain(text).replace(/[\\#]/g, "\\$&");

/**
 * Results of documents in the Test Anything Protocol, version 14: a test point per expectation, after a comment that says
 * which document and kernel it is of. Documents that expect nothing leave a plan that is skipped.
 */
export function renderTap(results: readonly DocumentResult[]): string {
  const count = results.reduce((sum, { expectations }) => sum + expectations.length, 0);
  let number = 0;
  const lines = results.flatMap(({ document, result, expectations }) => [
    `# ${plain(document.name)} on ${plain(result.kernel)}`,
    ...expectations.flatMap((expectation) => {
      number += 1;
      return point(number, document.name, expectation);
    }),
  ]);
  const plan = count === 0 ? "1..0 # SKIP nothing is expected" : `1..${count}`;
  return `${["TAP version 14", plan, ...lines].join("\n")}\n`;
}

function point(number: number, file: string, { text, held, got }: Expectation): readonly string[] {
  const line = `${held === true ? "ok" : "not ok"} ${number} - ${escaped(`${file}: ${text}`)}`;
  if (held === true) return [line];
  return [line, "  ---", `  expected: ${JSON.stringify(text)}`, `  got: ${JSON.stringify(got)}`, "  ..."];
}
