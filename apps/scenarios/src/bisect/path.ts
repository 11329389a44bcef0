import { AXES } from "../kernels/axes.js";
import { COMMITS } from "../kernels/changes.js";
import type { KernelChoice } from "../kernels/kernels.js";
import { compareReleases } from "../kernels/releases.js";

/** A change of one axis on the way from one kernel to another. */
export interface AxisMove {
  readonly axis: string;
  readonly from: string;
  readonly to: string;
}

/** One step on that way: a commit, taken or taken back, or a value that no release has. */
export interface Step {
  /** The commit's id; undefined where the history knows none, and for what no release has. */
  readonly commit: string | undefined;
  /** The release it came in; undefined for what no release has. */
  readonly release: string | undefined;
  readonly moves: readonly AxisMove[];
}

/** A move by a commit of the table: its place there says when. */
interface TableMove {
  readonly place: number;
  readonly move: AxisMove;
}

/** What leads from one value of an axis to another: each change between them, or none of the history's. */
function movesOf(axis: string, from: string, to: string): { table: readonly TableMove[]; direct?: AxisMove } {
  const values = AXES.find(({ name }) => name === axis)?.history.map(({ value }) => value) ?? [];
  const [start, end] = [values.indexOf(from), values.indexOf(to)];
  if (start < 0 || end < 0) return { table: [], direct: { axis, from, to } };
  const forward = start < end;
  const crossed = values.slice(Math.min(start, end) + 1, Math.max(start, end) + 1);
  const table = crossed.map((value) => {
    const place = COMMITS.findIndex(({ changes }) =>
      changes.some((change) => change.axis === axis && change.value === value),
    );
    const before = values[values.indexOf(value) - 1] ?? "";
    return { place, move: forward ? { axis, from: before, to: value } : { axis, from: value, to: before } };
  });
  return { table: forward ? table : table.reverse() };
}

function isForward({ axis, from, to }: AxisMove): boolean {
  const values = AXES.find(({ name }) => name === axis)?.history.map(({ value }) => value) ?? [];
  return values.indexOf(from) < values.indexOf(to);
}

/** Table moves as steps: one per commit, those of one commit together. */
function byCommit(moves: readonly TableMove[]): readonly Step[] {
  const places = [...new Set(moves.map(({ place }) => place))];
  return places.map((place) => ({
    commit: COMMITS[place]?.id,
    release: COMMITS[place]?.release,
    moves: moves.filter((other) => other.place === place).map(({ move }) => move),
  }));
}

/**
 * The way from one kernel to another, commit by commit: what came later is taken in the order it came, what is taken back in
 * the opposite one, and what no release has comes last, an axis at a time.
 */
export function pathBetween(from: KernelChoice, to: KernelChoice): readonly Step[] {
  const parts = AXES.filter(({ name }) => from.axes[name] !== to.axes[name]).map(({ name }) =>
    movesOf(name, from.axes[name] ?? "", to.axes[name] ?? ""),
  );
  const table = parts.flatMap((part) => part.table);
  const taken = table.filter(({ move }) => isForward(move)).sort((a, b) => a.place - b.place);
  const back = table.filter(({ move }) => !isForward(move)).sort((a, b) => b.place - a.place);
  const direct = parts.flatMap((part) => part.direct ?? []);
  return [
    ...byCommit(taken),
    ...byCommit(back),
    ...direct.map((move) => ({ commit: undefined, release: undefined, moves: [move] })),
  ];
}

/** `from` after the first `count` steps of a path, named after what it then has. */
export function kernelAlong(from: KernelChoice, steps: readonly Step[], count: number): KernelChoice {
  const axes: Record<string, string> = { ...from.axes };
  const touched = new Set<string>();
  for (const { moves } of steps.slice(0, count)) {
    for (const { axis, to } of moves) {
      axes[axis] = to;
      touched.add(axis);
    }
  }
  const overrides = [...touched].filter((axis) => axes[axis] !== from.axes[axis]);
  const name = [from.name, ...overrides.map((axis) => `${axis}=${axes[axis]}`)].join(" + ");
  return { name, release: from.release, axes };
}

/** Which of two kernels is the older: by release, stable ones too, then by how much is overridden. */
export function isOlder(a: KernelChoice, b: KernelChoice): boolean {
  const [[x = "", ...mine], [y = "", ...others]] = [a.name.split(" + "), b.name.split(" + ")];
  const order = compareReleases(x, y);
  return order === 0 ? mine.length <= others.length : order < 0;
}
