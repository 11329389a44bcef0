/** A stable series that received a change later than its mainline parent. */
export interface Backport {
  /** As the parent is named: `v6.12`. */
  readonly series: string;
  /** The first release of the series known to have it: 64 is v6.12.64. */
  readonly patch: number;
  /** Whether earlier ones may have it too: it was found in this one, and none before was looked at. */
  readonly foundIn?: true;
}

/** A value an axis took from a release on. */
export interface AxisChange {
  readonly value: string;
  /** The first mainline release with it. */
  readonly since: string;
  readonly commit?: string;
  /** What one observes, in one line. */
  readonly effect: string;
  /** Where it stands among its release's changes, when their order matters: a commit that needs another comes after it. */
  readonly place?: number;
  readonly stable?: readonly Backport[];
  /** How it is known: the releases on either side that were read, or what else says so. */
  readonly known?: string;
}

/** Something that can differ between kernels. */
export interface Axis {
  readonly name: string;
  readonly title: string;
  /** Oldest first; the first entry holds from the start of the table. */
  readonly history: readonly AxisChange[];
  /** Values no release has: proposals, partial fixes and deliberate mistakes, for `--set` only. */
  readonly experiments?: Readonly<Record<string, string>>;
}
