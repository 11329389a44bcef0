import { AXES, RELEASES } from "./axes.js";
import type { Axis, AxisChange } from "./axis.js";

/** A change of one axis. */
export interface Change extends AxisChange {
  readonly axis: string;
  /** What the axis was before. */
  readonly from: string;
}

/** Everything one commit changed in the table, or one release where no commit is known. */
export interface Commit {
  readonly release: string;
  /** Undefined where the history knows none. */
  readonly id: string | undefined;
  readonly changes: readonly Change[];
}

const order = new Map(RELEASES.map((release, index) => [release, index]));

/** The change that `axis` is at in the mainline release `row`, at place `patch` of its stable series. */
export function changeAt({ history }: Axis, row: string, patch: number): AxisChange {
  const at = order.get(row) ?? -1;
  const reached = history.filter(
    ({ since, stable }) =>
      (order.get(since) ?? 0) <= at ||
      stable?.some((backport) => backport.series === row && backport.patch <= patch),
  );
  const last = reached[reached.length - 1];
  if (last === undefined) throw new Error(`kernels: an axis without a value in ${row}`);
  return last;
}

/** Every change after the table's first release, in the order of releases and, inside one, in the order of its commits. */
export const CHANGES: readonly Change[] = AXES.flatMap(({ name, history }) =>
  history.slice(1).map((change, i) => ({ ...change, axis: name, from: history[i]?.value ?? "" })),
).sort((a, b) => (order.get(a.since) ?? 0) - (order.get(b.since) ?? 0) || (a.place ?? 0) - (b.place ?? 0));

/** {@link CHANGES} by the commit that made them. */
export const COMMITS: readonly Commit[] = commitsOf(CHANGES);

function commitsOf(changes: readonly Change[]): readonly Commit[] {
  const commits: { release: string; id: string | undefined; changes: Change[] }[] = [];
  for (const change of changes) {
    const { since: release, commit: id } = change;
    const same = commits.find((known) => id !== undefined && known.release === release && known.id === id);
    if (same === undefined) commits.push({ release, id, changes: [change] });
    else same.changes.push(change);
  }
  return commits;
}
