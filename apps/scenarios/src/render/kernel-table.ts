import { AXES, OLDEST_RELEASE } from "../kernels/axes.js";
import type { Alternative, AlternativeKind, Axis, Backport } from "../kernels/axis.js";
import { CHANGES, type Change, COMMITS, type Commit } from "../kernels/changes.js";
import { packagesOf } from "../kernels/packages.js";
import { PROPOSED, RECORDED } from "../kernels/recorded.js";
import type { Style } from "./style.js";
import { hang, wrap } from "./wrap.js";

/** Columns before the text of a change: a commit and a gap. */
const INDENT = 16;
/** Columns before what explains a name that stands on a line of its own. */
const BELOW = 4;
const AXES_SOURCE = "docs/model/kernel-history §1";

/** Alternatives by their kind, in the order they are printed, under what is said of all of them. */
const KINDS: ReadonlyArray<readonly [AlternativeKind, string]> = [
  ["option", "Options of releases, off by default: with --set only"],
  ["proposal", "Proposed and not merged, in no release: with --set only"],
  ["mistake", "Parts of fixes and mistakes, in no release of x86: with --set only"],
  ["manual", "Of Intel's manual and not of KVM, in no release: with --set only"],
  ["observation", "Seen on a running kernel and not traced to a release: with --set only"],
];

/** How sure the release of a backport is. */
const CERTAINTY = { announced: "", "found-in": " (or before)", memory: " (from memory)" } as const;

const stableName = ({ series, patch }: Backport): string => `${series}.${patch}`;

function stableText(stable: readonly Backport[]): string {
  const names = stable.map((backport) => stableName(backport) + CERTAINTY[backport.known ?? "announced"]);
  return `also in ${names.join(", ")}`;
}

function changeLines(
  { axis, from, value, effect, stable, known, ...change }: Change,
  width: number,
): readonly string[] {
  const text = (line: string): readonly string[] => hang("", line, INDENT, width);
  return [
    ...text(`${axis}: ${from} → ${value}`),
    ...text(effect),
    ...(change.with === undefined ? [] : text(`with ${change.with.join(", ")}`)),
    ...(stable === undefined ? [] : text(stableText(stable))),
    ...(known === undefined ? [] : text(`known from: ${known}`)),
  ];
}

function commitLines({ id, changes }: Commit, width: number): readonly string[] {
  const [first = "", ...rest] = changes.flatMap((change) => changeLines(change, width));
  return [`  ${(id ?? "(no commit)").padEnd(INDENT - 2)}${first.trimStart()}`, ...rest];
}

/** The history of the axes `names`, for a reader: one block per release, then what no release has, then what is not modelled. */
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
  const whole = names.length === AXES.length;
  return `${[
    [
      style.heading(`${OLDEST_RELEASE}, where the table begins`),
      ...axes.flatMap((axis) => originLines(axis, width)),
    ],
    ...blocks,
    ...KINDS.map(([kind, heading]) =>
      alternativeLines(axes, kind, wrap(heading, width).map(style.heading), width),
    ),
    whole ? proposed(style, width) : [],
    whole ? recorded(style, width) : [],
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

/** Which packages do it: `lapic`, or the machines of this one. */
function placeText(axis: string): string {
  const names = packagesOf(axis).map((name) => name.replace("@chronovisor/", ""));
  return names.includes("chronovisor") ? "the machine" : names.join(", ");
}

function originLines(axis: Axis, width: number): readonly string[] {
  const [origin] = axis.history;
  const { name, title, use } = axis;
  const text = (line: string): readonly string[] => hang("", line, BELOW, width);
  const [head = "", ...rest] = wrap(`${name} (${placeText(name)}): ${title}`, width - BELOW);
  return [
    `  ${head}`,
    ...rest.map((line) => " ".repeat(BELOW) + line),
    ...text(`${origin?.value ?? ""}: ${origin?.effect ?? ""}`),
    ...(use === "no-story" ? text("no story turns on it") : []),
  ];
}

function alternativesOf(axes: readonly Axis[]): ReadonlyArray<Alternative & { axis: string; value: string }> {
  return axes.flatMap(({ name, alternatives = {} }) =>
    Object.entries(alternatives).map(([value, alternative]) => ({ axis: name, value, ...alternative })),
  );
}

function alternativeLines(
  axes: readonly Axis[],
  kind: AlternativeKind,
  heading: readonly string[],
  width: number,
): readonly string[] {
  const lines = alternativesOf(axes)
    .filter((alternative) => alternative.kind === kind)
    .flatMap(({ axis, value, since, commit, effect, source, proposal }) => [
      `  ${axis}=${value}${since === undefined ? "" : `  since ${since}`}${commit === undefined ? "" : `, ${commit}`}`,
      ...hang("", effect, BELOW, width),
      ...hang("", proposal === undefined ? source : `${proposal}: ${source}`, BELOW, width),
    ]);
  return lines.length === 0 ? [] : [...heading, ...lines];
}

function proposed(style: Style, width: number): readonly string[] {
  return [
    style.heading("Proposed, not merged, and no axis here"),
    ...PROPOSED.flatMap(({ name, effect, because }) => [
      `  ${name ?? "(no name)"}`,
      ...hang("", `${effect}; ${because}`, BELOW, width),
    ]),
  ];
}

function recorded(style: Style, width: number): readonly string[] {
  return [
    style.heading("Part of the history, and not modelled"),
    ...RECORDED.flatMap(({ release, commit, effect, because, stable, ...change }) => [
      `  ${[release, commit, ...(change.with ?? [])].filter((part) => part !== undefined).join(" ")}`,
      ...hang("", effect, BELOW, width),
      ...(stable === undefined ? [] : hang("", stableText(stable), BELOW, width)),
      ...hang("", because, BELOW, width),
    ]),
  ];
}

function jsonStable(stable: readonly Backport[] = []): readonly Record<string, unknown>[] {
  return stable.map((backport) => ({
    release: stableName(backport),
    exact: backport.known === undefined,
    known: backport.known ?? "announced",
  }));
}

/** The same as plain data. */
export function kernelTableToJson(names: readonly string[]): Record<string, unknown> {
  const axes = AXES.filter(({ name }) => names.includes(name));
  const whole = names.length === AXES.length;
  return {
    axes: axes.map(({ name, title, history, alternatives = {}, use, source }) => ({
      name,
      title,
      packages: packagesOf(name),
      inStories: use !== "no-story",
      oldest: { release: OLDEST_RELEASE, value: history[0]?.value, effect: history[0]?.effect },
      values: [...history.map(({ value }) => value), ...Object.keys(alternatives)],
      source: source ?? AXES_SOURCE,
    })),
    changes: CHANGES.filter(({ axis }) => names.includes(axis)).map(
      ({ axis, from, value, since, commit, effect, stable, known, proposal, ...change }) => ({
        release: since,
        commit: commit ?? null,
        with: change.with ?? [],
        axis,
        before: from,
        after: value,
        effect,
        stable: jsonStable(stable),
        proposal: proposal ?? null,
        source: known ?? null,
      }),
    ),
    alternatives: alternativesOf(axes).map(
      ({ axis, value, kind, effect, since, commit, source, proposal }) => ({
        axis,
        value,
        kind,
        merged: kind === "option",
        release: since ?? null,
        commit: commit ?? null,
        effect,
        proposal: proposal ?? null,
        source,
      }),
    ),
    notModelled: whole
      ? RECORDED.map(({ release, commit, effect, because, stable, ...change }) => ({
          release,
          commit: commit ?? null,
          with: change.with ?? [],
          effect,
          stable: jsonStable(stable),
          because,
        }))
      : [],
    proposedNotModelled: whole
      ? PROPOSED.map(({ name, effect, because }) => ({
          proposal: name ?? null,
          merged: false,
          effect,
          because,
        }))
      : [],
  };
}
