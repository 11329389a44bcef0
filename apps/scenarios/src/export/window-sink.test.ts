import { type HostTsc, hostTsc } from "@chronovisor/clocksource";
import type { TraceEvent } from "@chronovisor/trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import { HEAD, playTicks } from "./fixtures/ten-ticks.js";
import type { TraceWindow } from "./trace-window.js";
import { WindowClosed, type WindowOpening, WindowSink } from "./window-sink.js";

const MS = 1_000_000n;
/** Cycles of HEAD's counter per millisecond. */
const CYCLES = 2_500_000n;

const whole: readonly TraceEvent[] = (() => {
  const events: TraceEvent[] = [];
  playTicks({ emit: (event) => events.push(event) });
  return events;
})();

/** Events without readings. */
const counted = (events: readonly TraceEvent[]): number =>
  events.filter(({ kind }) => kind !== "clocks").length;

/** What a window of `events` hands on, and what it says of itself at the end. */
function through(
  window: TraceWindow,
  events: readonly TraceEvent[] = whole,
  { opening = "all that stands", tscHz = HEAD.tscHz }: { opening?: WindowOpening; tscHz?: bigint } = {},
) {
  const out: TraceEvent[] = [];
  const exporter = { emit: (event: TraceEvent) => void out.push(event), end: () => {} };
  const sink = new WindowSink({ ...HEAD, tscHz }, window, exporter, opening);
  let taken = 0;
  try {
    for (const event of events) {
      sink.emit(event);
      taken += 1;
    }
  } catch (error) {
    if (!(error instanceof WindowClosed && error.sink === sink)) throw error;
  }
  return { out, taken, end: () => sink.end() };
}

const epoch = (at: bigint, ns: bigint): TraceEvent => ({ kind: "epoch", at: hostTsc(at), ns });
const kick = (at: bigint): TraceEvent => ({ kind: "kick", at: hostTsc(at), vcpu: 0 });
const state = (at: bigint, word: "guest" | "blocked"): TraceEvent => ({
  kind: "vcpu-state",
  at: hostTsc(at),
  vcpu: 0,
  state: word,
});

describe("a window", () => {
  it("that is all of the run hands on what comes, as it comes", () => {
    const { out, end } = through({});
    expect(out).toEqual(whole);
    expect(end()).toEqual({ fromNs: 0n, toNs: 20n * MS, events: counted(whole), ended: "with the run" });
  });

  it("has every event of the run that lies in it, after what stood at its beginning", () => {
    const anywhere = fc.bigInt({ min: 1n, max: 19n * MS });
    fc.assert(
      fc.property(anywhere, fc.bigInt({ min: 1n, max: 5n * MS }), (fromNs, lengthNs) => {
        const toNs = fromNs + lengthNs;
        // HEAD's counter makes 5 cycles in 2 ns.
        const inside = whole.filter(({ at }) => at * 2n >= fromNs * 5n && at * 2n < toNs * 5n);
        const { out, end } = through({ fromNs, toNs });
        expect(out.slice(out.length - inside.length)).toEqual(inside);
        const opening = out.slice(0, out.length - inside.length);
        const start = (fromNs * 5n + 1n) / 2n;
        expect(opening[0]).toEqual(epoch(start, fromNs));
        expect(new Set(opening.map(({ at }) => at))).toEqual(new Set([start]));
        expect(end()).toMatchObject({ fromNs, events: counted(inside) });
      }),
    );
  });

  it("begins with the newest of each kind that stands", () => {
    const newestOf = (fromNs: bigint, kind: TraceEvent["kind"]): TraceEvent | undefined =>
      whole.filter((event) => event.kind === kind && event.at * 2n < fromNs * 5n).at(-1);
    fc.assert(
      fc.property(fc.bigInt({ min: 2n * MS, max: 9n * MS }), (fromNs) => {
        const at = ((fromNs * 5n + 1n) / 2n) as HostTsc;
        const { out } = through({ fromNs });
        const opening = out.slice(
          0,
          out.findIndex((event) => event.at > at),
        );
        for (const kind of ["cpu-runs", "vcpu-state", "counter"] as const) {
          expect(opening).toContainEqual({ ...newestOf(fromNs, kind), at });
        }
      }),
    );
  });

  it("leaves the run at its end, and at its number of events", () => {
    const half = through({ toNs: 10n * MS });
    expect(half.taken).toBe(whole.filter(({ at }) => at < 10n * CYCLES).length);
    expect(half.end()).toMatchObject({ toNs: 10n * MS, ended: "by the window" });
    const few = through({ events: 7 });
    expect(counted(few.out)).toBe(7);
    expect(few.out).toEqual(whole.slice(0, few.out.length));
    expect(few.end()).toMatchObject({ events: 7, ended: "by the window" });
    expect(through({ events: counted(whole) }).end().ended).toBe("with the run");
  });

  it("is told in a log only who runs where: what stands did not happen then", () => {
    const { out } = through({ fromNs: 5n * MS }, whole, { opening: "who runs" });
    const opening = out.filter(({ at }) => at === 5n * CYCLES).map(({ kind }) => kind);
    expect(opening.filter((kind) => kind !== "clocks")).toEqual(["epoch", "cpu-runs"]);
  });
});

it("a window in which nothing happens has what stands there", () => {
  const run = [epoch(0n, 0n), state(1n, "guest"), kick(10n * CYCLES)];
  const { out, end } = through({ fromNs: 2n * MS, toNs: 3n * MS }, run);
  expect(out).toEqual([epoch(2n * CYCLES, 2n * MS), state(2n * CYCLES, "guest")]);
  expect(end()).toEqual({ fromNs: 2n * MS, toNs: 3n * MS, events: 0, ended: "by the window" });
});

describe("where the host sleeps", () => {
  // 10 ms awake, asleep for 100 ms, with a counter that starts over at 7.
  const night = [epoch(0n, 0n), state(1n, "blocked"), epoch(7n, 110n * MS), kick(7n + CYCLES)];

  it("a window that begins in the sleep begins with the epoch after it", () => {
    const { out, end } = through({ fromNs: 50n * MS }, night);
    expect(out).toEqual([epoch(7n, 110n * MS), state(7n, "blocked"), kick(7n + CYCLES)]);
    expect(end().fromNs).toBe(110n * MS);
  });

  it("one after it begins on the new axis", () => {
    const { out } = through({ fromNs: 111n * MS }, night);
    expect(out.map(({ at, kind }) => [at, kind])).toEqual([
      [7n + CYCLES, "epoch"],
      [7n + CYCLES, "vcpu-state"],
      [7n + CYCLES, "kick"],
    ]);
  });

  it("one that ends in it has nothing of the morning", () => {
    expect(through({ toNs: 50n * MS }, night).out).toEqual(night.slice(0, 2));
  });

  it("one within it is refused", () => {
    const { end } = through({ fromNs: 50n * MS, toNs: 60n * MS }, night);
    expect(end).toThrow(new ChronovisorError("from: nothing happens from 50ms to 60ms, the host sleeps"));
  });
});

it("begins at the first cycle at which true time is reached, for any frequency", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1_000_000n, max: 6_000_000_000n }),
      fc.bigInt({ min: 1n, max: 10n ** 12n }),
      (tscHz, fromNs) => {
        const last = (fromNs * tscHz) / 10n ** 9n + 2n;
        const { out } = through({ fromNs }, [epoch(0n, 0n), state(0n, "guest"), kick(last)], { tscHz });
        const at = out[0]?.at ?? 0n;
        const nsAt = (tsc: bigint): bigint => (tsc * 10n ** 9n) / tscHz;
        expect(nsAt(at)).toBeGreaterThanOrEqual(fromNs);
        expect(nsAt(at - 1n)).toBeLessThan(fromNs);
        expect(out[0]).toEqual(epoch(at, nsAt(at)));
      },
    ),
  );
});
