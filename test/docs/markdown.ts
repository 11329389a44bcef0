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

/** The numbers or names of a page's sections, such as `5.1` or `S000.2`, from its headings. */
export function sections(markdown: string): ReadonlySet<string> {
  const headings = markdown.matchAll(/^#+ +([A-Z]?\d+(?:\.\w+)*)\b/gm);
  return new Set([...headings].map((heading) => heading[1] ?? ""));
}
