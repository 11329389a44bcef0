import { styleText } from "node:util";

/** What a stretch of text is, rather than what colour it has. */
export interface Style {
  readonly heading: (text: string) => string;
  readonly aside: (text: string) => string;
  readonly held: (text: string) => string;
  readonly broken: (text: string) => string;
  readonly differs: (text: string) => string;
  /** Tells overlaid lines apart; wraps round after four. */
  readonly line: (index: number, text: string) => string;
}

type Format = Parameters<typeof styleText>[0];

const lineFormats: readonly Format[] = ["red", "cyan", "yellow", "magenta"];

/** Whether the stream's own checks pass is decided once, by the caller. */
const paint = (format: Format, text: string): string => styleText(format, text, { validateStream: false });

/** Colours for a terminal. */
export const colourStyle: Style = {
  heading: (text) => paint("bold", text),
  aside: (text) => paint("dim", text),
  held: (text) => paint("green", text),
  broken: (text) => paint(["bold", "red"], text),
  differs: (text) => paint("yellow", text),
  line: (index, text) => paint(lineFormats[index % lineFormats.length] ?? "red", text),
};

const plain = (text: string): string => text;

/** The same words without any escape sequence, for pipes and NO_COLOR. */
export const plainStyle: Style = {
  heading: plain,
  aside: plain,
  held: plain,
  broken: plain,
  differs: plain,
  line: (_index, text) => text,
};
