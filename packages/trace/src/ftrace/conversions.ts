/**
 * How a field of a tracepoint is written and read: what `printk` calls a conversion, both ways.
 *
 * Source: Linux `lib/vsprintf.c`, `include/trace/stages/stage3_trace_output.h`; libtraceevent `src/event-parse.c`
 * (docs/model/trace-formats §3.2).
 */

/** Who formatted a payload: the kernel itself, or libtraceevent for `trace-cmd report` and `perf script`. */
export type PayloadDialect = "kernel" | "library";

/** A field's value: every number is a `bigint`, whatever its width. */
export type FieldValue = bigint | string;

/** One way to print a value. */
export interface Conversion {
  /** What it looks like, as the source of a regular expression without groups; nothing in it can match without bound. */
  readonly pattern: string;
  /** The value of a text that matched; `undefined` where it is none, such as a number of more than 64 bits. */
  readonly read: (text: string) => FieldValue | undefined;
  /** The text of a value. */
  readonly write: (value: FieldValue, dialect: PayloadDialect) => string;
  /** Whether the text may be missing. */
  readonly presence: "required" | "optional";
}

const U64_LIMIT = 2n ** 64n;
const S64_LIMIT = 2n ** 63n;
const US_PER_S = 1_000_000n;

const inU64 = (value: bigint): bigint | undefined => (value < U64_LIMIT ? value : undefined);
const inS64 = (value: bigint): bigint | undefined =>
  value >= -S64_LIMIT && value < S64_LIMIT ? value : undefined;
const signed = (value: bigint | undefined): bigint | undefined =>
  value === undefined ? undefined : BigInt.asIntN(64, value);
/** A negative value is printed as its 64-bit two's complement. */
const unsigned = (value: FieldValue): bigint => BigInt.asUintN(64, BigInt(value));

const hexadecimal = (width: number): Conversion => ({
  pattern: "[0-9a-fA-F]{1,16}",
  read: (text) => BigInt(`0x${text}`),
  write: (value) => unsigned(value).toString(16).padStart(width, "0"),
  presence: "required",
});

const text = (pattern: string): Conversion => ({
  pattern,
  read: (found) => found,
  write: String,
  presence: "required",
});

/** A text with a space before it, or nothing at all. */
const optional = (pattern: string): Conversion => ({
  pattern: `(?: ${pattern})?`,
  read: (found) => (found === "" ? undefined : found.slice(1)),
  write: (value) => ` ${value}`,
  presence: "optional",
});

const decimal: Conversion = {
  pattern: "\\d{1,20}",
  read: (found) => inU64(BigInt(found)),
  write: (value) => unsigned(value).toString(),
  presence: "required",
};

const hex = hexadecimal(1);

/** Conversions by the names templates use. */
const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  /** `%u`, `%lu`, `%llu` */
  u: decimal,
  /** `%d`, `%ld`, `%lld` */
  d: {
    pattern: "-?\\d{1,19}",
    read: (found) => inS64(BigInt(found)),
    write: (value) => BigInt.asIntN(64, BigInt(value)).toString(),
    presence: "required",
  },
  /** `%llu` of a signed quantity: −1 is printed as 18446744073709551615. */
  s64: { ...decimal, read: (found) => signed(inU64(BigInt(found))) },
  /** `%x`, `%lx`, `%llx` */
  x: hex,
  x8: hexadecimal(8),
  x16: hexadecimal(16),
  /** `%llx` of a signed quantity. */
  xs64: { ...hex, read: (found) => signed(BigInt(`0x${found}`)) },
  /** `%p`: 16 digits, hashed, by the kernel; `0x` and the address by the library. A key either way. */
  p: {
    pattern: "(?:0x)?[0-9a-fA-F]{1,16}|\\(nil\\)",
    read: (found) => (found === "(nil)" ? 0n : BigInt(found.startsWith("0x") ? found : `0x${found}`)),
    write: (value, dialect) =>
      dialect === "library"
        ? `0x${unsigned(value).toString(16)}`
        : unsigned(value).toString(16).padStart(16, "0"),
    presence: "required",
  },
  /** `%ps`: a function. Its module (`[kvm]`) and its offset (`/0x0`, `+0x0`) are dropped. */
  f: {
    pattern: "[^\\s/+]{1,255}(?:[/+]0x[0-9a-fA-F]{1,16})?(?: \\[[^\\]]{1,64}\\])?",
    read: (found) => /^[^\s/+]+/.exec(found)?.[0],
    write: (value, dialect) => (dialect === "library" ? `${value}/0x0` : String(value)),
    presence: "required",
  },
  /** `%ld.%06ld`: seconds and microseconds, as microseconds. */
  us: {
    pattern: "-?\\d{1,19}\\.\\d{6}",
    read: (found) => inS64(BigInt(found.replace(".", ""))),
    write: (value) => {
      const us = BigInt(value);
      const size = us < 0n ? -us : us;
      return `${us < 0n ? "-" : ""}${size / US_PER_S}.${(size % US_PER_S).toString().padStart(6, "0")}`;
    },
    presence: "required",
  },
  /** A name without a space. */
  word: text("[^\\s]{0,255}"),
  /** A name between bars or before a bracket. */
  name: text("[^\\s|()]{1,64}"),
  /** A name that may have spaces in it. */
  words: text("[^\\s].{0,127}?"),
  /** ` [symbol+0x1f]`, or nothing. */
  symbol: optional("\\[[^\\]]{0,255}\\]"),
  /** A space and what is left of the line, or nothing. */
  rest: optional("[^\\s].{0,1023}"),
};

/** The conversion a template names. */
export function conversionNamed(name: string): Conversion {
  const conversion = Object.hasOwn(CONVERSIONS, name) ? CONVERSIONS[name] : undefined;
  if (conversion !== undefined) return conversion;
  throw new TypeError(
    `conversionNamed: expected one of ${Object.keys(CONVERSIONS).join(", ")}, got "${name}"`,
  );
}

/** A conversion for one of a few words, `read|write`. */
export function oneOf(words: string): Conversion {
  return text(
    words
      .split("|")
      .map((word) => escapePattern(word))
      .join("|"),
  );
}

/** A conversion for a text that is printed (1) or left out (0). */
export function present(literal: string): Conversion {
  return {
    pattern: `(?:${escapePattern(literal)})?`,
    read: (found) => (found === "" ? 0n : 1n),
    write: (value) => (value === 1n ? literal : ""),
    presence: "optional",
  };
}

/** A text as the source of a regular expression that matches it and nothing else. */
export function escapePattern(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
