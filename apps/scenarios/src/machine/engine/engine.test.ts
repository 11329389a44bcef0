import type { HostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Engine, EVENTS_PER_INSTANT, type EventSource, LivelockError } from "./engine.js";

const tsc = (n: bigint): HostTsc => n as HostTsc;

/** Fires at each given instant and writes it down with its name. */
function recorder(engine: Engine, name: string, instants: bigint[], log: [string, bigint][]): EventSource {
  const queue = [...instants].sort((a, b) => Number(a - b));
  return {
    name,
    lane: undefined,
    get nextAt() {
      return queue[0] === undefined ? undefined : tsc(queue[0]);
    },
    run() {
      queue.shift();
      log.push([name, engine.now]);
    },
  };
}

describe("Engine", () => {
  it("runs sources in time order, and in the order they were added at one instant", () => {
    const engine = new Engine(tsc(0n));
    const log: [string, bigint][] = [];
    engine.add(recorder(engine, "cpu", [5n, 9n], log));
    engine.add(recorder(engine, "vcpu", [3n, 5n, 5n], log));
    engine.runUntil(tsc(9n));
    expect(log).toEqual([
      ["vcpu", 3n],
      ["cpu", 5n],
      ["vcpu", 5n],
      ["vcpu", 5n],
      ["cpu", 9n],
    ]);
  });

  it("runs what is due at the end, nothing after it, and stands at the end", () => {
    const engine = new Engine(tsc(0n));
    const log: [string, bigint][] = [];
    engine.add(recorder(engine, "a", [10n, 11n], log));
    engine.runUntil(tsc(10n));
    expect(log).toEqual([["a", 10n]]);
    expect(engine.now).toBe(10n);
    engine.runUntil(tsc(20n));
    expect(log).toHaveLength(2);
    expect(engine.now).toBe(20n);
  });

  it("equals sorting all events by time and source, for any instants", () => {
    const instants = fc.array(fc.bigInt({ min: 0n, max: 50n }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(instants, { minLength: 1, maxLength: 4 }), (sources) => {
        const engine = new Engine(tsc(0n));
        const log: [string, bigint][] = [];
        for (const [i, times] of sources.entries()) engine.add(recorder(engine, `s${i}`, times, log));
        engine.runUntil(tsc(50n));
        const all = sources.flatMap((times, i) => times.map((t): [string, bigint] => [`s${i}`, t]));
        expect(log).toEqual(all.sort(([a, t], [b, u]) => Number(t - u) || a.localeCompare(b)));
      }),
    );
  });

  it("runs an event that fell due while time was spent as soon as that is over", () => {
    const engine = new Engine(tsc(0n));
    const seen: bigint[] = [];
    let busyAt: HostTsc | undefined = tsc(10n);
    let otherAt: HostTsc | undefined = tsc(12n);
    engine.add({
      lane: undefined,
      name: "busy",
      get nextAt() {
        return busyAt;
      },
      run() {
        busyAt = undefined;
        engine.spend(100n);
      },
    });
    engine.add({
      lane: undefined,
      name: "other",
      get nextAt() {
        return otherAt;
      },
      run() {
        otherAt = undefined;
        seen.push(engine.now);
      },
    });
    engine.runUntil(tsc(20n));
    expect(seen).toEqual([110n]);
    expect(engine.now).toBe(110n);
  });

  it("stops when told that something is done", () => {
    const engine = new Engine(tsc(0n));
    const log: [string, bigint][] = [];
    engine.add(recorder(engine, "a", [1n, 2n, 3n], log));
    expect(engine.runUntilDone(() => engine.now === 2n, tsc(9n))).toBe(true);
    expect(engine.now).toBe(2n);
    expect(engine.runUntilDone(() => false, tsc(9n))).toBe(false);
    expect(log).toHaveLength(3);
  });

  it("names a source that makes events without letting time pass", () => {
    const engine = new Engine(tsc(0n));
    engine.add({ lane: undefined, name: "guest of vCPU 7", nextAt: tsc(5n), run: () => undefined });
    const stuck = (): void => engine.runUntil(tsc(6n));
    expect(stuck).toThrow(LivelockError);
    expect(stuck).toThrow(
      `machine: guest of vCPU 7 made ${EVENTS_PER_INSTANT} events without time passing, at host TSC 5`,
    );
  });
});
