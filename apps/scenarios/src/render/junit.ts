import type { DocumentResult } from "../document/run-document.js";
import type { Expectation } from "../scenario/types.js";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text of an attribute. Documents hold no control characters: those with one are refused as binary. */
const attribute = (text: string): string => text.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);

/** Results of documents as JUnit XML, which build servers read: a suite per document, a case per expectation. */
export function renderJunit(results: readonly DocumentResult[]): string {
  const suites = results.map(({ document, result, expectations }) => {
    const failed = expectations.filter(({ held }) => held !== true).length;
    const cases = expectations.map((expectation) => testCase(document.name, expectation));
    return [
      `  <testsuite name="${attribute(document.title ?? document.name)}" tests="${expectations.length}" failures="${failed}">`,
      `    <properties><property name="kernel" value="${attribute(result.kernel)}"/></properties>`,
      ...cases,
      "  </testsuite>",
    ].join("\n");
  });
  return `${['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>"].join("\n")}\n`;
}

function testCase(file: string, { text, held, got }: Expectation): string {
  const head = `    <testcase classname="${attribute(file)}" name="${attribute(text)}"`;
  if (held === true) return `${head}/>`;
  return `${head}><failure message="${attribute(`got ${got}`)}"/></testcase>`;
}
