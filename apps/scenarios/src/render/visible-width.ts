import { stripVTControlCharacters } from "node:util";

/** The columns `text` takes on a terminal: escape sequences take none, every other character here takes one. */
export function visibleWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}
