import { ChronovisorError, didYouMean, unknownName } from "../errors.js";
import { AXES, RELEASES } from "./axes.js";
import type { Axis } from "./axis.js";

/** A kernel to run as: a release's behaviours, possibly with some overridden. */
export interface KernelChoice {
  /** As a reader names it: `v4.16`, or `v4.16 + switchToSw=expire-and-advance`. */
  readonly name: string;
  readonly release: string;
  /** One value per axis of the table. */
  readonly axes: Readonly<Record<string, string>>;
}

/** Names of the behaviour axes a kernel can be overridden in. */
export const axisNames: readonly string[] = AXES.map((axis) => axis.name);

/** The newest release of the table: what a run takes when it is told nothing. */
export const newestRelease: string = RELEASES[RELEASES.length - 1] ?? "";

const order = new Map(RELEASES.map((release, index) => [release, index]));

function axisNamed(name: string): Axis {
  const axis = AXES.find((candidate) => candidate.name === name);
  if (axis === undefined) throw unknownName("axis", name, axisNames);
  return axis;
}

/**
 * Values a behaviour axis takes, oldest first, then the experiments no release has.
 *
 * @param name - one of {@link axisNames}.
 * @throws ChronovisorError naming the axes for an unknown one.
 * @example
 * axisValues("switchToSw") // => [ 'arm-past', 'expire-and-advance' ]
 */
export function axisValues(name: string): readonly string[] {
  const axis = axisNamed(name);
  return [...axis.history.map((change) => change.value), ...Object.keys(axis.experiments ?? {})];
}

/** Values of every axis in `release`: the newest change not after it. */
function axesOf(release: string): Record<string, string> {
  const at = order.get(release) ?? -1;
  const axes: Record<string, string> = {};
  for (const axis of AXES) {
    const reached = axis.history.filter((change) => (order.get(change.since) ?? 0) <= at);
    axes[axis.name] = reached[reached.length - 1]?.value ?? "";
  }
  return axes;
}

/** By number, not by spelling: v4.20 is nearer to v4.21 than v4.11 is. */
function nearestRelease(major: number, minor: number): string {
  const rank = (x: number, y: number): number => x * 1000 + y;
  const wanted = rank(major, minor);
  let nearest = newestRelease;
  let least = Number.POSITIVE_INFINITY;
  for (const release of RELEASES) {
    const [x = "0", y = "0"] = release.slice(1).split(".");
    const apart = Math.abs(rank(Number(x), Number(y)) - wanted);
    if (apart < least) {
      nearest = release;
      least = apart;
    }
  }
  return nearest;
}

function parseRelease(text: string): string {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?$/.exec(text);
  if (match?.[3] !== undefined && match[3] !== "0") {
    throw new ChronovisorError(
      `kernel: expected a mainline release, got "${text}"; stable releases are not in the table, and v${match[1]}.${match[2]} means ${match[1]}.${match[2]}.0`,
    );
  }
  const release = match ? `v${match[1]}.${match[2]}` : text;
  if (order.has(release)) return release;
  const hint = match ? ` (the nearest is ${nearestRelease(Number(match[1]), Number(match[2]))})` : "";
  throw new ChronovisorError(
    `kernel: expected a release from ${RELEASES[0]} to ${newestRelease}, got "${text}"${hint}`,
  );
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
  return {
    name: `${choice.name} + ${name}=${value}`,
    release: choice.release,
    axes: { ...choice.axes, [name]: value },
  };
}

/**
 * Reads a kernel: a mainline release, then any number of overrides, joined by `+`: `v4.16 + tdcr=immediate`.
 * `v4.16`, `4.16` and `v4.16.0` are the same kernel.
 *
 * @param expression - as typed.
 * @throws ChronovisorError for a release outside the table, an unknown axis or an unknown value.
 * @example
 * parseKernel("4.16.0 + switchToSw=expire-and-advance").name // => 'v4.16 + switchToSw=expire-and-advance'
 * parseKernel("v4.17").axes.periodicAdvance // => 'resync'
 */
export function parseKernel(expression: string): KernelChoice {
  const [head = "", ...overrides] = expression.split("+").map((part) => part.trim());
  const release = parseRelease(head);
  const named = new Set<string>();
  let choice: KernelChoice = { name: release, release, axes: axesOf(release) };
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
