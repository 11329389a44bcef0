/** What a command needs of the process it runs in: somewhere to print, and what that place can show. */
export interface Terminal {
  /** Prints what was asked for. */
  readonly out: (text: string) => void;
  /** Prints one line about what went wrong. */
  readonly err: (text: string) => void;
  /** Columns to lay a screen out in. */
  readonly columns: number;
  readonly colour: "on" | "off";
  /** Where a progress line may be drawn and erased; absent when nobody watches. */
  readonly progress?: NodeJS.WritableStream;
}

/** Layout width where no terminal says otherwise: pipes and files. */
const DEFAULT_COLUMNS = 80;

/**
 * The terminal of a process. Colour needs a TTY and no NO_COLOR (https://no-color.org: any value but the empty one);
 * progress needs a TTY on standard error and one that can move its cursor.
 */
export function processTerminal(process: NodeJS.Process): Terminal {
  const { stdout, stderr, env } = process;
  const noColour = (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return {
    out: (text) => {
      stdout.write(text);
    },
    err: (text) => {
      stderr.write(text);
    },
    columns: (stdout.isTTY ? stdout.columns : 0) || DEFAULT_COLUMNS,
    colour: stdout.isTTY && !noColour ? "on" : "off",
    ...(stderr.isTTY && env.TERM !== "dumb" ? { progress: stderr } : {}),
  };
}
