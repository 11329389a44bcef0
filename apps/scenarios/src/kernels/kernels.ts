import { ChronovisorError, didYouMean, unknownName } from "../errors.js";
import { AXES, RELEASES } from "./axes.js";
import type { Axis } from "./axis.js";
import { changeAt } from "./changes.js";
import { parseRelease, type Release } from "./releases.js";

/** A kernel to run as: a release's behaviours, possibly with some overridden. */
export interface KernelChoice {
  /** As a reader names it: `v4.16`, or `v4.16 + switchToSw=expire-and-advance`. */
  readonly name: string;
  /** The mainline release of the table it is read by. */
  readonly release: string;
  /** One value per axis of the table. */
  readonly axes: Readonly<Record<string, string>>;
}

/** Names of the behaviour axes a kernel can be overridden in. */
export const axisNames: readonly string[] = AXES.map((axis) => axis.name);

/** The newest release of the table: what a run takes when it is told nothing. */
export const newestRelease: string = RELEASES[RELEASES.length - 1] ?? "";

function axisNamed(name: string): Axis {
  const axis = AXES.find((candidate) => candidate.name === name);
  if (axis === undefined) throw unknownName("axis", name, axisNames);
  return axis;
}

/**
 * Values a behaviour axis takes, oldest first, then those no release has of itself.
 *
 * @param name - one of {@link axisNames}.
 * @throws ChronovisorError naming the axes for an unknown one.
 * @example
 * axisValues("switchToSw") // => [ 'arm-past', 'expire-and-advance' ]
 */
export function axisValues(name: string): readonly string[] {
  const axis = axisNamed(name);
  return [...axis.history.map((change) => change.value), ...Object.keys(axis.alternatives ?? {})];
}

/** Values of every axis in a release: the newest change it has. */
function axesOf({ row, patch }: Release): Record<string, string> {
  return Object.fromEntries(AXES.map((axis) => [axis.name, changeAt(axis, row, patch).value]));
}

/**
 * A copy of `choice` with one axis set to `value`, named after the override.
 *
 * @throws ChronovisorError naming the axis and its values for an unknown name or value.
 */
export function withOverride(choice: KernelChoice, name: string, value: string): KernelChoice {
  const allowed = axisValues(name);
  if (!allowed.includes(value)) {
    throw new ChronovisorError(
      `${name}: expected one of ${allowed.join(", ")}, got "${value}"${didYouMean(value, allowed)}`,
    );
  }
  if (choice.axes[name] === value) return choice;
  const others = choice.name.split(" + ").filter((part) => !part.startsWith(`${name}=`));
  return {
    name: [...others, `${name}=${value}`].join(" + "),
    release: choice.release,
    axes: { ...choice.axes, [name]: value },
  };
}

/**
 * Reads a kernel: a release, then any number of overrides, joined by `+`: `v4.16 + tdcr=immediate`. `v4.16`, `4.16` and
 * `v4.16.0` are the same kernel; `v6.12.64` has what its stable series received by then; one that the table does not have is
 * read by the nearest older row.
 *
 * @param expression - as typed.
 * @throws ChronovisorError for what is no release or one before the table, an unknown axis or an unknown value.
 * @example
 * parseKernel("4.16.0 + switchToSw=expire-and-advance").name // => 'v4.16 + switchToSw=expire-and-advance'
 * parseKernel("v4.17").axes.periodicAdvance // => 'resync'
 * parseKernel("v6.12.64").axes.periodicAdvance // => 'resync-clamped'
 */
export function parseKernel(expression: string): KernelChoice {
  const [head = "", ...overrides] = expression.split("+").map((part) => part.trim());
  const release = parseRelease(head);
  const named = new Set<string>();
  let choice: KernelChoice = { name: release.name, release: release.row, axes: axesOf(release) };
  for (const override of overrides) {
    const match = /^([A-Za-z]\w*)=(.+)$/.exec(override);
    if (match === null) {
      throw new ChronovisorError(`kernel: expected axis=value after "+", got "${override}"`);
    }
    const [, name = "", value = ""] = match;
    if (named.has(name)) throw new ChronovisorError(`kernel: ${name} is set twice in "${expression}"`);
    named.add(name);
    choice = withOverride(choice, name, value);
  }
  return choice;
}
