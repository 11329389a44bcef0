/**
 * What a current-count register read at an instant that is only known to lie in a bracket.
 *
 * The model runs in its own time, exactly. A recorded kernel did the same things somewhere between the two stamps of each
 * operation, so its time is the model's plus an **offset** that is only known as an interval. Starting a count at a
 * bracket `[b, a]` leaves the offset `a - b` wide; every count that is read then cuts it down to what the value allows:
 *
 *     kernel instant r in [c, e], model instant t = r - offset, count(t) = value
 *     => offset in [c - (last t that reads value), e - (first t that reads value)]
 *
 * With reads 0.5 µs wide the offset is soon known to about as much, and a count that is wrong by one unit of 1 µs fails.
 */

/** A closed interval of nanoseconds. */
export interface Interval {
  readonly min: bigint;
  readonly max: bigint;
}

/** A count in the model's time: what the timer's registers and its target say. */
export interface Countdown {
  /** When the count next reaches 0, ns; in the past when it has stopped there. */
  readonly target: bigint;
  /** What the time left is taken modulo of, ns. */
  readonly period: bigint;
  /** Length of one count, ns: bus cycle times divisor. */
  readonly unit: bigint;
  /** Whether the count begins again at the target, or stays 0. */
  readonly atTarget: "reload" | "stop";
  /** When it last began again by itself, ns. */
  readonly reloadedAt: bigint | undefined;
}

/** A count that the model explains. */
export interface ExplainedCount {
  /** The offset, narrowed. */
  readonly offset: Interval;
  /** The instants of the model that read the value. Undefined when only a late callback explains the 0. */
  readonly instants: Interval | undefined;
}

/** The target is over, but the callback that moves it on has yet to run: tens of µs at most were seen. The count is 0. */
const LATE_CALLBACK_NS = 100_000n;

/** The instants that both intervals hold. */
export function intersect(a: Interval, b: Interval): Interval | undefined {
  const min = a.min > b.min ? a.min : b.min;
  const max = a.max < b.max ? a.max : b.max;
  return min <= max ? { min, max } : undefined;
}

/** The least interval that holds all of `intervals`. */
export function hull(intervals: readonly Interval[]): Interval | undefined {
  return intervals.reduce<Interval | undefined>(
    (whole, { min, max }) =>
      whole === undefined
        ? { min, max }
        : { min: min < whole.min ? min : whole.min, max: max > whole.max ? max : whole.max },
    undefined,
  );
}

/** The model's instants that an operation in the kernel's `bracket` can stand for. */
export function modelInstants(bracket: Interval, offset: Interval): Interval {
  return { min: bracket.min - offset.max, max: bracket.max - offset.min };
}

/** The instants of `window` at which the count reads `value`; their hull, where it does so in more than one period. */
export function instantsReading(count: Countdown, value: bigint, window: Interval): Interval | undefined {
  const { period, unit, target, atTarget } = count;
  // No period has room for it; a count can exceed the initial count, but never this.
  if (value * unit >= period) return undefined;
  const matches: Interval[] = [];
  const first = atTarget === "stop" && target < window.max ? target : endFrom(count, window.max);
  for (let end = first; end >= window.min; end -= period) {
    matches.push({ min: max(end - (value + 1n) * unit, end - period) + 1n, max: end - value * unit });
  }
  if (value === 0n && atTarget === "stop" && window.max > target)
    matches.push({ min: target, max: window.max });
  return hull(matches.flatMap((match) => intersect(match, window) ?? []));
}

/**
 * What a read of `value` in the kernel's `bracket` says of the offset, and undefined when the model cannot have read it.
 * A 0 narrows nothing: it is also what stands there until a late callback has run.
 */
export function explainCount(
  count: Countdown,
  value: bigint,
  bracket: Interval,
  offset: Interval,
): ExplainedCount | undefined {
  const window = modelInstants(bracket, offset);
  const instants = instantsReading(count, value, window);
  if (value === 0n) {
    const isLate = count.atTarget === "reload" && endsWithin(count, lateBy(window));
    return instants !== undefined || isLate ? { offset, instants } : undefined;
  }
  const narrowed = instants && intersect(offset, modelInstants(bracket, instants));
  return narrowed && { offset: narrowed, instants };
}

/** Whether an end of the count lies in `window`. */
export function endsWithin(count: Countdown, window: Interval): boolean {
  const ends = [count.target, ...(count.reloadedAt === undefined ? [] : [count.reloadedAt])];
  if (count.atTarget === "reload") ends.push(endFrom(count, max(window.min, count.target)));
  return ends.some((end) => window.min <= end && end <= window.max);
}

/** `window`, and before it what a late callback can span. */
export function lateBy(window: Interval): Interval {
  return { min: window.min - LATE_CALLBACK_NS, max: window.max };
}

/** The first instant from `from` on, of those whole periods away from the target, at which the time left is 0. */
function endFrom({ target, period }: Countdown, from: bigint): bigint {
  const short = (((from - target) % period) + period) % period;
  return short === 0n ? from : from + period - short;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
