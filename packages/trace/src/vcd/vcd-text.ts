/** Identifier codes are numbers in base 94, their digits the printable characters from `!` to `~`. */
const FIRST_CODE = 33;
const CODES = 94;

/** The identifier code of a file's `index`-th variable, from 0: the shortest first, `!` to `~`, then two characters. */
export function codeOf(index: number): string {
  const last = String.fromCharCode(FIRST_CODE + (index % CODES));
  return index < CODES ? last : codeOf(Math.floor(index / CODES) - 1) + last;
}

/** A name that every reader takes: letters, digits and `_`, since `[ ]` are bit ranges, `.` and `$` separate, and blanks end it. */
export function nameOf(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, "_");
}

/** Text inside a header section, which `$end` would close. */
export function sectionText(text: string): string {
  return text.replace(/[^ -~]/g, "?").replaceAll("$", "_");
}

/** A string value: blanks, control characters and `\` as C escapes, as GTKWave reads them. */
export function stringValue(text: string): string {
  return Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    return code > 0x20 && code !== 0x7f && character !== "\\"
      ? character
      : `\\x${code.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** A vector value of `width` bits, two's complement, without leading zeros: a reader fills them in. */
export function vectorValue(value: bigint, width: number): string {
  return `b${BigInt.asUintN(width, value).toString(2)}`;
}
