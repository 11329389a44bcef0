import { AXES, OLDEST_RELEASE } from "../kernels/axes.js";
import type { Axis, Backport } from "../kernels/axis.js";
import { CHANGES, type Change, COMMITS, type Commit } from "../kernels/changes.js";
import { RECORDED } from "../kernels/recorded.js";
import type { Style } from "./style.js";
import { hang, wrap } from "./wrap.js";

/** Columns before the text of a change: a commit and a gap. */
const INDENT = 16;

const stableName = ({ series, patch }: Backport): string => `${series}.${patch}`;

function stableLine(stable: readonly Backport[]): string {
  const names = stable.map((backport) => `${stableName(backport)}${backport.foundIn ? " (or before)" : ""}`);
  return `also in ${names.join(", ")}`;
}

function changeLines({ axis, from, value, effect, stable, known }: Change, width: number): readonly string[] {
  const text = (line: string): readonly string[] => hang("", line, INDENT, width);
  return [
    ...text(`${axis}: ${from} → ${value}`),
    ...text(effect),
    ...(stable === undefined ? [] : text(stableLine(stable))),
    ...(known === undefined ? [] : text(`known from: ${known}`)),
  ];
}

function commitLines({ id, changes }: Commit, width: number): readonly string[] {
  const [first = "", ...rest] = changes.flatMap((change) => changeLines(change, width));
  return [`  ${(id ?? "(no commit)").padEnd(INDENT - 2)}${first.trimStart()}`, ...rest];
}

/** The history of the axes `names`, for a reader: one block per release, then what is proposed, then what is not modelled. */
export function renderKernelTable(names: readonly string[], style: Style, width: number): string {
  const mine = COMMITS.flatMap((commit) => {
    const changes = commit.changes.filter(({ axis }) => names.includes(axis));
    return changes.length === 0 ? [] : [{ ...commit, changes }];
  });
  const releases = [...new Set(mine.map(({ release }) => release))];
  const blocks = releases.map((release) => [
    style.heading(release),
    ...mine.filter((commit) => commit.release === release).flatMap((commit) => commitLines(commit, width)),
  ]);
  const axes = AXES.filter(({ name }) => names.includes(name));
  return `${[
    [
      style.heading(`${OLDEST_RELEASE}, where the table begins`),
      ...axes.flatMap((axis) => originLines(axis, width)),
    ],
    ...blocks,
    proposals(axes, style, width),
    names.length === AXES.length ? recorded(style, width) : [],
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function originLines({ name, title, history }: Axis, width: number): readonly string[] {
  return hang(`  ${name}`, `${title}: ${history[0]?.value ?? ""}`, Math.max(24, name.length + 4), width);
}

function proposals(axes: readonly Axis[], style: Style, width: number): readonly string[] {
  const lines = axes.flatMap(({ name, experiments = {} }) =>
    Object.entries(experiments).flatMap(([value, effect]) => [
      `  ${name}=${value}`,
      ...hang("", effect, 4, width),
    ]),
  );
  if (lines.length === 0) return [];
  return [style.heading("In no release: proposals, partial fixes, slips; for --set only"), ...lines];
}

function recorded(style: Style, width: number): readonly string[] {
  return [
    style.heading("Part of the history, and not modelled"),
    ...RECORDED.flatMap(({ release, commit, effect, because }) => [
      ...wrap(`${release} ${commit ?? ""}`.trim(), width - 2).map((line) => `  ${line}`),
      ...hang("", `${effect}; ${because}`, 4, width),
    ]),
  ];
}

/** The same as plain data. */
export function kernelTableToJson(names: readonly string[]): Record<string, unknown> {
  return {
    axes: AXES.filter(({ name }) => names.includes(name)),
    changes: CHANGES.filter(({ axis }) => names.includes(axis)).map(
      ({ axis, from, value, since, commit, effect, stable = [], known }) => ({
        release: since,
        commit: commit ?? null,
        axis,
        before: from,
        after: value,
        effect,
        stable: stable.map((backport) => ({
          release: stableName(backport),
          exact: backport.foundIn !== true,
        })),
        source: known ?? null,
      }),
    ),
    notModelled: names.length === AXES.length ? RECORDED : [],
  };
}
