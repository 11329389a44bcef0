/** A value an axis took from a release on. */
export interface AxisChange {
  readonly value: string;
  readonly since: string;
  readonly commit?: string;
  /** What one observes, in one line. */
  readonly effect: string;
}

export interface Axis {
  readonly name: string;
  readonly title: string;
  /** Oldest first; the first entry holds from the start of the table. */
  readonly history: readonly AxisChange[];
  /** Values no release has: proposals, partial fixes and deliberate mistakes, for `--set` only. */
  readonly experiments?: Readonly<Record<string, string>>;
}
