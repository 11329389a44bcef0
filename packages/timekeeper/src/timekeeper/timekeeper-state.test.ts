import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TSC, TscHost } from "../../test/tsc-host.js";
import { ADJ_FREQUENCY, ADJ_OFFSET_SINGLESHOT, ADJ_TAI, Timekeeper, type TimekeeperState } from "../index.js";

const BILLION = 1_000_000_000n;

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("ticks" as const), count: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ kind: fc.constant("cycles" as const), count: fc.integer({ min: 0, max: 30_000_000 }) }),
    fc.record({ kind: fc.constant("freq" as const), count: fc.integer({ min: -500, max: 500 }) }),
    fc.record({ kind: fc.constant("slew" as const), count: fc.integer({ min: -2000, max: 2000 }) }),
    fc.record({ kind: fc.constant("set" as const), count: fc.integer({ min: 1, max: 2 ** 31 }) }),
    fc.record({ kind: fc.constant("sleep" as const), count: fc.integer({ min: 0, max: 2 ** 31 }) }),
    fc.record({ kind: fc.constant("tai" as const), count: fc.integer({ min: 0, max: 100 }) }),
  ),
  { maxLength: 12 },
);
type Step = (typeof steps extends fc.Arbitrary<infer S> ? S : never)[number];

/** Does the same to any host; its counter is `at`. */
function play(timekeeper: Timekeeper, at: { counter: bigint }, { kind, count }: Step): void {
  const amount = BigInt(count);
  if (kind === "ticks") {
    for (let i = 0; i < count; i++) {
      at.counter += 10_000_000n;
      timekeeper.tick();
    }
  } else if (kind === "cycles") {
    at.counter += amount;
    timekeeper.tick();
  } else if (kind === "freq") timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: amount << 16n });
  else if (kind === "slew") timekeeper.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: amount });
  else if (kind === "tai") timekeeper.adjtimex({ modes: ADJ_TAI, constant: amount });
  else if (kind === "set") timekeeper.settimeofday({ sec: amount, nsec: amount % BILLION });
  else {
    timekeeper.suspend();
    at.counter += amount * 5n;
    timekeeper.resume(amount);
  }
}

describe("a saved and restored timekeeper", () => {
  it("is JSON, and goes on exactly as the one that was saved", () => {
    fc.assert(
      fc.property(steps, steps, fc.boolean(), (before, after, asleep) => {
        const original = new TscHost({ realtimeNs: 1_700_000_000n * BILLION });
        for (const step of before) play(original.timekeeper, original, step);
        if (asleep) original.timekeeper.suspend();
        const saved = JSON.parse(JSON.stringify(original.timekeeper.state())) as TimekeeperState;
        const copy = { counter: original.counter };
        const restored = Timekeeper.fromState(saved, { read: () => copy.counter });
        expect(restored.state()).toEqual(saved);
        expect(restored.offsets).toEqual(original.timekeeper.offsets);
        if (asleep) {
          original.timekeeper.resume(1n);
          restored.resume(1n);
        }
        for (const step of after) {
          play(original.timekeeper, original, step);
          play(restored, copy, step);
          expect(restored.state()).toEqual(original.timekeeper.state());
          expect(restored.monotonicNs()).toBe(original.timekeeper.monotonicNs());
        }
      }),
    );
  });

  it("reads no counter and tells nothing while it is restored", () => {
    const told: string[] = [];
    let reads = 0;
    const { timekeeper } = new TscHost({ counter: 5n });
    const restored = Timekeeper.fromState(timekeeper.state(), {
      read: () => BigInt(++reads),
      events: { onUpdate: () => told.push("update") },
    });
    expect([reads, told]).toEqual([0, []]);
    restored.adjtimex({ modes: ADJ_FREQUENCY, freq: 0n });
    expect(told).toEqual(["update"]);
  });

  it("stands still when it was suspended", () => {
    const host = new TscHost();
    host.ticks(3);
    host.timekeeper.suspend();
    const restored = Timekeeper.fromState(host.timekeeper.state(), { read: () => 10n ** 15n });
    expect(restored.suspended).toBe(true);
    expect(restored.monotonicNs()).toBe(host.timekeeper.monotonicNs());
  });

  it("gives a warning that was given no second time", () => {
    const host = new TscHost({ clocksource: { ...TSC, maxadj: 1000 } });
    host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
    const told: string[] = [];
    const restored = Timekeeper.fromState(host.timekeeper.state(), {
      read: () => 0n,
      events: { onWarning: (kind) => told.push(kind) },
    });
    restored.adjtimex({ modes: ADJ_FREQUENCY, freq: -500n << 16n });
    expect(host.heard()).toContain("mult-beyond-maxadj");
    expect(told).toEqual([]);
  });

  const good = new TscHost().timekeeper.state();
  it.each<[string, object]>([
    ["hz", { hz: 0 }],
    ["cyclesToNs", { cyclesToNs: "wide" }],
    ["mask", { clocksource: { ...good.clocksource, mask: "5" } }],
    ["maxCycles", { clocksource: { ...good.clocksource, maxCycles: "-1" } }],
    ["vclockMode", { clocksource: { ...good.clocksource, vclockMode: "hpet" } }],
    ["cycleLast", { cycleLast: "18446744073709551616" }],
    ["mult", { mult: 2 ** 32 }],
    ["xtimeNsec", { xtimeNsec: "-1" }],
    ["xtimeSec", { xtimeSec: "9223372036854775808" }],
    ["rawNsec", { rawNsec: "1.5" }],
    ["rawSec", { rawSec: "" }],
    ["ntpTick", { ntpTick: "-1" }],
    ["ntpError", { ntpError: "9223372036854775808" }],
    ["ntpErrMult", { ntpErrMult: 2 }],
    ["skipSecondOverflow", { skipSecondOverflow: "yes" }],
    ["wallToMonotonic.nsec", { wallToMonotonic: { sec: "0", nsec: 1_000_000_000 } }],
    ["wallToMonotonic.sec", { wallToMonotonic: { sec: "x", nsec: 0 } }],
    ["offsBootNs", { offsBootNs: "9223372036854775808" }],
    ["taiOffsetSec", { taiOffsetSec: 2 ** 31 }],
    ["clockWasSetSeq", { clockWasSetSeq: -1 }],
    ["suspended", { suspended: 1 }],
    ["warned", { warned: ["other"] }],
    ["tickUsec", { ntp: { ...good.ntp, tickUsec: 1 } }],
  ])("is refused with a wrong %s", (member, change) => {
    const restore = () => Timekeeper.fromState({ ...good, ...change } as TimekeeperState, { read: () => 0n });
    expect(restore).toThrow(RangeError);
    expect(restore).toThrow(`expected ${member}`);
  });

  it("is refused when there is nothing to restore", () => {
    expect(() => Timekeeper.fromState(undefined as never, { read: () => 0n })).toThrow(TypeError);
    expect(() => Timekeeper.fromState(good, undefined as never)).toThrow(TypeError);
    expect(() => Timekeeper.fromState(good, { read: 0n as never })).toThrow(TypeError);
    expect(() => Timekeeper.fromState({ ...good, mask: 5 } as never, { read: () => 0n })).not.toThrow();
    expect(() => Timekeeper.fromState({ ...good, ntp: undefined } as never, { read: () => 0n })).toThrow(
      TypeError,
    );
    expect(() => Timekeeper.fromState({ ...good, warned: undefined } as never, { read: () => 0n })).toThrow(
      new TypeError("Timekeeper.fromState: expected warned to be an array, got undefined"),
    );
    expect(() =>
      Timekeeper.fromState({ ...good, cyclesToNs: undefined } as never, { read: () => 0n }),
    ).toThrow("Timekeeper.fromState: expected cyclesToNs to be one of ");
  });
});

describe("a new timekeeper", () => {
  it("starts MONOTONIC, RAW and BOOTTIME at 0 where its counter stands", () => {
    const host = new TscHost({
      counter: 123_456_789n,
      realtimeNs: 1_700_000_000n * BILLION + 5n,
      taiOffsetSec: 37,
    });
    const realtime = 1_700_000_000n * BILLION + 5n;
    expect(host.clocks()).toEqual([0n, 0n, 0n, realtime, realtime + 37n * BILLION]);
    expect(host.timekeeper.offsets.sequence).toBe(1);
    expect(host.heard()).toEqual([]);
  });

  const good = { clocksource: TSC, hz: 250, read: () => 0n };
  it.each<[string, object]>([
    ["hz", { hz: 11 }],
    ["mult", { clocksource: { ...TSC, mult: 0 } }],
    ["realtimeNs", { realtimeNs: -1n }],
    ["realtimeNs", { realtimeNs: 8_277_292_036n * BILLION }],
    ["realtimeNs", { realtimeNs: 2n ** 63n }],
    ["taiOffsetSec", { taiOffsetSec: 1.5 }],
    ["cyclesToNs", { cyclesToNs: "wide" }],
    ["read()", { read: () => 2n ** 64n }],
  ])("is refused with a wrong %s", (member, change) => {
    expect(() => new Timekeeper({ ...good, ...change })).toThrow(RangeError);
    expect(() => new Timekeeper({ ...good, ...change })).toThrow(`expected ${member} `);
  });

  it("is refused with an option of another type", () => {
    expect(() => new Timekeeper(undefined as never)).toThrow(TypeError);
    expect(() => new Timekeeper({ ...good, clocksource: undefined as never })).toThrow(TypeError);
    expect(() => new Timekeeper({ ...good, read: 0n as never })).toThrow(TypeError);
    expect(() => new Timekeeper({ ...good, realtimeNs: 0 as never })).toThrow(TypeError);
    expect(() => new Timekeeper({ ...good, events: 1 as never })).toThrow(TypeError);
  });
});
