/** What is wrong with the text of a document, before it is one: where, and in words that name no library. */
import { type Document, isAlias, visit, type YAMLParseError, type YAMLWarning } from "yaml";
import { jsonFaultColumn } from "../conform/json-fault.js";
import { quoted } from "../errors.js";

/** What is wrong, and at which character. */
export interface SourceFault {
  readonly offset: number;
  readonly message: string;
}

/** The most of a line that is quoted. */
const LONGEST_QUOTED = 20;

/** The rest of the line from an offset on, as an error quotes it. */
function restOfLine(text: string, offset: number): string {
  const [line = ""] = text.slice(offset, offset + LONGEST_QUOTED).split("\n");
  if (offset >= text.length) return "the end of the file";
  return line.trim() === "" ? "the end of the line" : quoted(line.trimEnd());
}

/** Where a text is no JSON, which allows less than YAML does; undefined where it is. */
export function jsonFault(text: string): SourceFault | undefined {
  const json = text.startsWith("\ufeff") ? text.slice(1) : text;
  try {
    JSON.parse(json);
    return undefined;
  } catch {
    const offset = (jsonFaultColumn(json) ?? 1) - 1;
    return {
      offset: offset + text.length - json.length,
      message: `expected JSON, got ${restOfLine(json, offset)}`,
    };
  }
}

/** What YAML has against a text. */
export function yamlFault(text: string, { code, message, pos }: YAMLParseError | YAMLWarning): SourceFault {
  const [offset] = pos;
  switch (code) {
    case "DUPLICATE_KEY": {
      const key = /^\s*(?:"[^"\n]*"|'[^'\n]*'|[^:\n]*)/.exec(text.slice(offset))?.[0] ?? "";
      return { offset, message: `expected each key once, got ${key.trim()} again` };
    }
    case "MULTIPLE_DOCS":
      return { offset, message: "expected one document in a file, got another" };
    case "TAB_AS_INDENT":
      return { offset, message: "expected spaces, got a tab, which YAML does not take as indentation" };
    default:
      return { offset, message: message.split("\n")[0] ?? "" };
  }
}

/** The first alias that stands for nothing, or the first of too many. */
export function aliasFault(document: Document): SourceFault {
  let first: SourceFault | undefined;
  let unknown: SourceFault | undefined;
  visit(document, (_, node) => {
    if (!isAlias(node)) return;
    const offset = node.range?.[0] ?? 0;
    first ??= { offset, message: "expected aliases that stand for less: they multiply beyond any use" };
    if (node.resolve(document) === undefined) {
      unknown ??= { offset, message: `expected an anchor that is set above it, got *${node.source}` };
    }
  });
  return unknown ?? first ?? { offset: 0, message: "cannot be read" };
}
