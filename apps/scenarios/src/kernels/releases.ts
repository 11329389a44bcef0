import { ChronovisorError } from "../errors.js";
import { OLDEST_RELEASE, RELEASES } from "./axes.js";

/** A kernel release and the row of the table it is read by. */
export interface Release {
  /** As it is shown: `v4.16`, `v6.12.64`, `v9.1`. */
  readonly name: string;
  /** The mainline release of the table it is, descends from, or is nearest after. */
  readonly row: string;
  /** Its place in the stable series of its row: 64 in v6.12.64; 0 for mainline. */
  readonly patch: number;
}

/** Of two numbers of a release: v4.20 lies before v5.0 and after v4.9. */
function rank(major: number, minor: number): number {
  return major * 1000 + minor;
}

function rankOf(row: string): number {
  const [major = "0", minor = "0"] = row.slice(1).split(".");
  return rank(Number(major), Number(minor));
}

/** Which of two releases came first, by their numbers: negative for `a`, 0 for one release. Names as {@link Release} has them. */
export function compareReleases(a: string, b: string): number {
  const patchOf = (name: string): number => Number(name.split(".")[2] ?? 0);
  return rankOf(a) - rankOf(b) || patchOf(a) - patchOf(b);
}

/** `v6.12-rc3`: its row would be a guess, for some of a release's changes come with its last candidates. */
const CANDIDATE = /^v?\d+\.\d+-rc\d+$/;
/** The most of a text that is quoted. */
const LONGEST_QUOTED = 60;

/**
 * Reads a release: `v4.16`, `4.16.0`, `v6.12.64`. One that the table does not have is read by the nearest older row: what
 * changed after it is not known.
 *
 * @throws ChronovisorError for what is no release, or one older than the table.
 */
export function parseRelease(text: string): Release {
  const match = /^v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4}))?$/.exec(text);
  if (match === null) {
    const why = CANDIDATE.test(text) ? ": a candidate has only a part of what its release has" : "";
    throw new ChronovisorError(
      `kernel: expected a release such as ${RELEASES[RELEASES.length - 1]}, v6.12.64 or 6.1, got "${text.slice(0, LONGEST_QUOTED)}"${why}`,
    );
  }
  const [, major = "", minor = "", patchText = "0"] = match;
  const wanted = rank(Number(major), Number(minor));
  const row = RELEASES.filter((release) => rankOf(release) <= wanted).at(-1);
  if (row === undefined) {
    throw new ChronovisorError(`kernel: expected ${OLDEST_RELEASE} or newer, got "${text}"`);
  }
  const mainline = `v${Number(major)}.${Number(minor)}`;
  const patch = Number(patchText);
  // A stable series of a release that is not in the table is not known either.
  return { name: patch === 0 ? mainline : `${mainline}.${patch}`, row, patch: row === mainline ? patch : 0 };
}
