/** A space that no line is broken at; `wrap` prints it as a plain one. */
export const NO_BREAK = "\u00a0";
const UNITS = "ps|ns|µs|ms|s|min|h|d|Hz|kHz|MHz|GHz|ppb|ppm|cycles|%";

/** Digit groups and units stay with their number. */
function glueNumbers(text: string): string {
  return text
    .replace(/(\d) (?=\d{3}(?!\d))/g, `$1${NO_BREAK}`)
    .replace(new RegExp(`(\\d) (?=(?:${UNITS})(?![A-Za-z]))`, "g"), `$1${NO_BREAK}`);
}

/**
 * Lines of at most `width` characters, broken at spaces but never inside `599 970` or `1 ms`. A word longer than that
 * has a line of its own.
 *
 * @example
 * wrap("ticks: 599 970 of 600 000", 16) // => ['ticks: 599 970', 'of 600 000']
 */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of glueNumbers(text)
    .split(/[ \n]+/)
    .filter((part) => part !== "")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  if (line !== "") lines.push(line);
  return lines.map((finished) => finished.replaceAll(NO_BREAK, " "));
}

/**
 * `label` once, then `text` wrapped beside it under a hanging indent.
 *
 * @param indent - columns before the text; `label` is padded to it
 */
export function hang(label: string, text: string, indent: number, width: number): readonly string[] {
  return wrap(text, width - indent).map(
    (line, index) => `${(index === 0 ? label : "").padEnd(indent)}${line}`,
  );
}

/** `rate-compensated` in parts that a heading may be broken after. */
const hyphenated = (word: string): readonly string[] => word.split(/(?<=-)(?=.)/);

/**
 * A heading over a column of `width`: lines of at most that, or of its longest part if that is longer. Lines end between
 * words, or after a hyphen of a word that does not fit otherwise.
 *
 * @example
 * wrapHead("M2 rate-compensated", 10) // => [ 'M2 rate-', 'compensated' ]
 * wrapHead("M4 re-checked", 10) // => [ 'M4', 're-checked' ]
 */
export function wrapHead(text: string, width: number): readonly string[] {
  const words = text.split(" ");
  const limit = Math.max(width, ...words.flatMap(hyphenated).map((part) => part.length));
  const lines: string[] = [];
  const add = (part: string, gap: string): void => {
    const line = lines.at(-1);
    if (line !== undefined && line.length + gap.length + part.length <= limit) {
      lines[lines.length - 1] = line + gap + part;
    } else lines.push(part);
  };
  for (const word of words) {
    const parts = word.length <= limit ? [word] : hyphenated(word);
    for (const [index, part] of parts.entries()) add(part, index === 0 ? " " : "");
  }
  return lines;
}
