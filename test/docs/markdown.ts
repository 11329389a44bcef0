/** A fenced block of a Markdown page. */
export interface Fence {
  /** What follows the opening back-ticks, such as `ts`. */
  readonly language: string;
  readonly code: string;
  /** The line of its first code line, from 1. */
  readonly line: number;
}

/** The fenced blocks of a page, in order. */
export function fences(markdown: string): readonly Fence[] {
  return [...markdown.matchAll(/^```(\S*)[^\n]*\n(.*?)^```$/gms)].map((match) => ({
    language: match[1] ?? "",
    code: match[2] ?? "",
    line: markdown.slice(0, match.index).split("\n").length + 1,
  }));
}

/**
 * What can be cited of a page: its numbered headings, such as `5.1` or `S000.2`, and the items of a numbered list under
 * one, such as `9.5` for item 5 of section 9.
 */
export function sections(markdown: string): ReadonlySet<string> {
  const found = new Set<string>();
  let heading = "";
  for (const line of markdown.split("\n")) {
    const [, title] = /^#+ +([A-Z]?\d+(?:\.\w+)*)\b/.exec(line) ?? [];
    const [, item] = /^(\d+)\. /.exec(line) ?? [];
    if (title !== undefined) heading = title;
    if (title !== undefined) found.add(title);
    else if (item !== undefined) found.add(`${heading}.${item}`);
  }
  return found;
}
