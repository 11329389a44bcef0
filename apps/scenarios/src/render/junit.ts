import type { DocumentResult } from "../document/run-document.js";
import type { Expectation } from "../scenario/types.js";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** Characters that XML 1.0 has no way to write: a document's title may hold them, as an escape. */
const UNWRITABLE = /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]|\p{Surrogate}/gu;

/** Text of an attribute. */
const attribute = (text: string): string =>
  text.replace(UNWRITABLE, "\ufffd").replace(/[&<>"\t\n\r]/g, (sign) => ENTITIES[sign] ?? sign);

const failed = ({ held }: Expectation): boolean => held !== true;

/** How many there are, as every suite says it. No run goes wrong halfway or is skipped: such a request is refused. */
function counts(expectations: readonly Expectation[]): string {
  return `tests="${expectations.length}" failures="${expectations.filter(failed).length}" errors="0" skipped="0"`;
}

/**
 * Results of documents as JUnit XML, which build servers read: a suite per document, a case per expectation. There are no
 * times in it: the same documents give the same bytes.
 */
export function renderJunit(results: readonly DocumentResult[]): string {
  const suites = results.map(({ document, result, expectations }) =>
    [
      `  <testsuite name="${attribute(document.title ?? document.name)}" file="${attribute(document.name)}" ${counts(expectations)}>`,
      `    <properties><property name="kernel" value="${attribute(result.kernel)}"/></properties>`,
      ...expectations.map((expectation) => testCase(document.name, expectation)),
      "  </testsuite>",
    ].join("\n"),
  );
  const all = results.flatMap(({ expectations }) => expectations);
  const head = `<testsuites name="chronovisor" ${counts(all)}>`;
  return `${['<?xml version="1.0" encoding="UTF-8"?>', head, ...suites, "</testsuites>"].join("\n")}\n`;
}

function testCase(file: string, expectation: Expectation): string {
  const { text, got } = expectation;
  const head = `    <testcase classname="${attribute(file)}" name="${attribute(text)}" file="${attribute(file)}"`;
  if (!failed(expectation)) return `${head}/>`;
  return `${head}><failure type="expectation" message="${attribute(`expected ${text}, got ${got}`)}"/></testcase>`;
}
