const NO_BREAK = "\u00a0";
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
