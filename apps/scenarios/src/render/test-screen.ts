import type { DocumentResult } from "../document/run-document.js";
import type { Style } from "./style.js";
import { hang } from "./wrap.js";

/** Results of documents for a reader: each expectation with what came, and a count. */
export function renderTestScreen(results: readonly DocumentResult[], style: Style, width: number): string {
  const all = results.flatMap(({ expectations }) => expectations);
  const failed = all.filter(({ held }) => held !== true).length;
  const blocks = results.flatMap(({ document, result, expectations }) => [
    "",
    `  ${style.heading(document.title ?? document.scenario.title)}`,
    `  ${style.aside(`${document.name} on ${result.kernel}`)}`,
    ...expectations.flatMap(({ text, held, got }) => {
      const mark = held === true ? style.held("✓") : style.broken("✗");
      const [first = "", ...rest] = hang("    ", held === true ? text : `${text}, got ${got}`, 4, width);
      return [`  ${mark} ${first.slice(4)}`, ...rest];
    }),
    ...(expectations.length === 0 ? [`    ${style.aside("expects nothing")}`] : []),
  ]);
  const count = `${all.length - failed} of ${all.length} held`;
  return `${[...blocks, "", `  ${failed === 0 ? style.held(count) : style.broken(count)}`, ""].join("\n")}\n`;
}
