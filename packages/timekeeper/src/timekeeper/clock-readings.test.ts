import {
  hostTsc,
  readKvmclockBase,
  readMonotonic,
  readRealtime,
  type SteeredHostClock,
} from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TICK_CYCLES, TSC, TscHost } from "../../test/tsc-host.js";
import { ADJ_FREQUENCY, ADJ_TICK, readClocks, Timekeeper } from "../index.js";

const BILLION = 1_000_000_000n;
const U64_MAX = 2n ** 64n - 1n;
const NOW = 1_700_000_000n * BILLION;
const HPET = {
  mask: 2n ** 32n - 1n,
  mult: 2343484437,
  shift: 25,
  maxadj: 257783288,
  maxCycles: 2n ** 32n - 1n,
  maxRawDelta: 3758096381n,
};

/** A steered host some ticks into its life, and some cycles into a tick. */
function warmedUp(cyclesToNs: "unsigned" | "safe" = "safe"): TscHost {
  const host = new TscHost({ realtimeNs: NOW, taiOffsetSec: 37, cyclesToNs });
  host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
  host.ticks(700);
  host.counter += 3_333_333n;
  return host;
}

/** u64 counter values, most of them where conversions change their way. */
const counters = (last: bigint) =>
  fc.oneof(
    fc.bigInt({ min: 0n, max: U64_MAX }),
    fc
      .tuple(
        fc.constantFrom(0n, TSC.maxCycles, 2n ** 63n, 2n ** 64n / 6714241n),
        fc.bigInt({ min: -3n, max: 3n }),
      )
      .map(([far, near]) => BigInt.asUintN(64, last + far + near)),
  );

describe("a clock reading", () => {
  it.each(["safe", "unsigned"] as const)(
    "is the pure function's anywhere on the counter: form %s",
    (form) => {
      const { timekeeper } = warmedUp(form);
      const bases = timekeeper.bases();
      const out = new BigUint64Array(3);
      fc.assert(
        fc.property(counters(bases.cycleLast), (cycles) => {
          const readings = readClocks(bases, cycles, form);
          expect({
            monotonicNs: timekeeper.monotonicAt(cycles),
            rawNs: timekeeper.rawAt(cycles),
            boottimeNs: timekeeper.boottimeAt(cycles),
            realtimeNs: timekeeper.realtimeAt(cycles),
            taiNs: timekeeper.taiAt(cycles),
          }).toEqual(readings);
          timekeeper.monotonicInto(out, 1, cycles);
          timekeeper.rawInto(out, 2, cycles);
          expect([...out]).toEqual(
            [0n, readings.monotonicNs, readings.rawNs].map((ns) => BigInt.asUintN(64, ns)),
          );
        }),
      );
    },
  );

  it("without an argument is the reading at the counter's value, from one read of it", () => {
    let reads = 0;
    const timekeeper = new Timekeeper({
      clocksource: TSC,
      hz: 250,
      realtimeNs: NOW,
      taiOffsetSec: 37,
      read: () => BigInt(++reads) * 1_000_000n,
    });
    expect(timekeeper.monotonicNs()).toBe(timekeeper.monotonicAt(2_000_000n));
    expect(timekeeper.rawNs()).toBe(timekeeper.rawAt(3_000_000n));
    expect(timekeeper.boottimeNs()).toBe(timekeeper.boottimeAt(4_000_000n));
    expect(timekeeper.realtimeNs()).toBe(timekeeper.realtimeAt(5_000_000n));
    expect(timekeeper.taiNs()).toBe(timekeeper.taiAt(6_000_000n));
    expect(reads).toBe(6);
  });

  it("stands still for a counter behind the last tick", () => {
    const { timekeeper } = warmedUp();
    const { cycleLast } = timekeeper.bases();
    const then = timekeeper.monotonicAt(cycleLast);
    expect(timekeeper.monotonicAt(cycleLast - 1n)).toBe(then);
    expect(timekeeper.monotonicAt(BigInt.asUintN(64, cycleLast - 2n ** 62n))).toBe(then);
    expect(timekeeper.realtimeAt(cycleLast - 1n)).toBe(timekeeper.realtimeAt(cycleLast));
  });

  it("of a host idle for 20 minutes wraps in form unsigned, and is right in form safe", () => {
    const later = 3_000_000_000_000n;
    const [safe, unsigned] = [new TscHost(), new TscHost({ cyclesToNs: "unsigned" })];
    expect(safe.timekeeper.monotonicAt(later)).toBe((later * 6710886n) >> 24n);
    expect(unsigned.timekeeper.monotonicAt(later)).toBe(BigInt.asUintN(64, later * 6710886n) >> 24n);
  });

  it("goes on through the end of a 32-bit counter", () => {
    let counter = 2n ** 32n - 10n;
    const timekeeper = new Timekeeper({ clocksource: HPET, hz: 250, read: () => counter });
    counter = 14_318_180n - 10n;
    expect(timekeeper.monotonicNs()).toBe(999_999_999n);
    timekeeper.tick();
    expect(timekeeper.monotonicNs()).toBe(999_999_999n);
    expect(timekeeper.rawNs()).toBe(999_999_999n);
  });

  it("of a batch is that of each element, in place if wanted", () => {
    const { timekeeper, counter } = warmedUp();
    const cycles = BigUint64Array.from({ length: 40 }, (_, i) => counter + BigInt(i) * 999_983n);
    const monotonic = new BigUint64Array(50);
    timekeeper.monotonicBatch(monotonic, cycles);
    expect([...monotonic]).toEqual([
      ...[...cycles].map((at) => timekeeper.monotonicAt(at)),
      ...Array(10).fill(0n),
    ]);
    const raw = [...cycles].map((at) => timekeeper.rawAt(at));
    timekeeper.rawBatch(cycles, cycles);
    expect([...cycles]).toEqual(raw);
  });

  it("at a counter value is refused unless that is a u64", () => {
    const { timekeeper } = new TscHost();
    for (const read of ["monotonicAt", "rawAt", "boottimeAt", "realtimeAt", "taiAt"] as const) {
      expect(() => timekeeper[read](-1n)).toThrow(
        `Timekeeper.${read}: expected cycles to be an unsigned 64-bit`,
      );
      expect(() => timekeeper[read](2n ** 64n)).toThrow(RangeError);
      expect(() => timekeeper[read](1 as never)).toThrow(TypeError);
    }
  });

  it("into a slot or an array is refused where there is none", () => {
    const { timekeeper } = new TscHost();
    for (const read of ["monotonicInto", "rawInto"] as const) {
      expect(() => timekeeper[read](new BigUint64Array(2), 2, 0n)).toThrow(RangeError);
      expect(() => timekeeper[read](new BigUint64Array(2), -1, 0n)).toThrow(RangeError);
      expect(() => timekeeper[read](new BigInt64Array(2) as never, 0, 0n)).toThrow(TypeError);
    }
    for (const read of ["monotonicBatch", "rawBatch"] as const) {
      expect(() => timekeeper[read](new BigUint64Array(1), new BigUint64Array(2))).toThrow(RangeError);
      expect(() => timekeeper[read]([] as never, new BigUint64Array(2))).toThrow(TypeError);
      expect(() => timekeeper[read](new BigUint64Array(2), [0n] as never)).toThrow(TypeError);
    }
  });
});

describe("the counter value of an instant", () => {
  it("is the last tick for an instant that has passed", () => {
    const { timekeeper } = warmedUp();
    const { cycleLast } = timekeeper.bases();
    expect(timekeeper.monotonicCounterAt(0n)).toBe(cycleLast);
    expect(timekeeper.monotonicCounterAt(-(2n ** 63n))).toBe(cycleLast);
    expect(timekeeper.monotonicCounterAt(timekeeper.monotonicAt(cycleLast))).toBe(cycleLast);
  });

  it("of a clock that NTP slews is not that of CLOCK_MONOTONIC_RAW", () => {
    const host = new TscHost();
    host.timekeeper.adjtimex({ modes: ADJ_TICK, tick: 11_000n });
    expect(host.timekeeper.rawCounterAt(1_000_000n)).toBe(2_500_001n);
    expect(host.timekeeper.monotonicCounterAt(1_000_000n)).toBe(2_272_728n);
  });

  it("is the end of the counter for an instant beyond it", () => {
    const host = new TscHost({ counter: 2n ** 63n });
    expect(host.timekeeper.monotonicCounterAt(2n ** 63n - 1n)).toBe(U64_MAX);
    expect(host.timekeeper.rawCounterAt(2n ** 62n)).toBe(U64_MAX);
  });

  it("is the end of the counter for a clock that was steered to a stop", () => {
    const clocksource = { ...TSC, mult: 1, shift: 0, maxadj: 0 };
    const timekeeper = new Timekeeper({ clocksource, hz: 250, read: () => 0n });
    timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: -500n << 16n });
    expect(timekeeper.rate().monoMult).toBe(0);
    expect(timekeeper.monotonicCounterAt(0n)).toBe(0n);
    expect(timekeeper.monotonicCounterAt(1n)).toBe(U64_MAX);
  });

  it("is refused unless the instant is an s64", () => {
    const { timekeeper } = new TscHost();
    expect(() => timekeeper.monotonicCounterAt(2n ** 63n)).toThrow(RangeError);
    expect(() => timekeeper.rawCounterAt(-(2n ** 63n) - 1n)).toThrow(RangeError);
    expect(() => timekeeper.monotonicCounterAt(1 as never)).toThrow(TypeError);
    expect(() => timekeeper.rawCounterAt(undefined as never)).toThrow(TypeError);
  });
});

describe("a timekeeper as other packages take it", () => {
  it("is a steered host clock once the machine adds its TSC", () => {
    const host = warmedUp();
    const { timekeeper } = host;
    const clock: SteeredHostClock = {
      monotonicNs: () => timekeeper.monotonicNs(),
      rawNs: () => timekeeper.rawNs(),
      rate: () => timekeeper.rate(),
      tsc: () => hostTsc(host.counter),
      sample: () => ({ monotonicNs: timekeeper.monotonicNs(), tsc: hostTsc(host.counter) }),
    };
    const usable: Omit<SteeredHostClock, "tsc" | "sample"> = timekeeper;
    expect(usable.monotonicNs()).toBe(clock.sample().monotonicNs);
    expect(clock.rate()).toEqual({ monoMult: 6714242, rawMult: 6710886, shift: 24 });
  });

  it("gives KVM a copy that reads as the host does, as long as the product fits 64 bits", () => {
    const host = warmedUp();
    host.timekeeper.suspend();
    host.timekeeper.resume(9n * BILLION);
    const at = host.counter + 77n * TICK_CYCLES;
    const copy = host.timekeeper.copy();
    expect(readMonotonic(copy, hostTsc(at))?.ns).toBe(host.timekeeper.monotonicAt(at));
    expect(readKvmclockBase(copy, hostTsc(at))?.ns).toBe(host.timekeeper.rawAt(at) + 9n * BILLION);
    const realtime = readRealtime(copy, hostTsc(at));
    expect((realtime?.sec ?? 0n) * BILLION + (realtime?.nsec ?? 0n)).toBe(host.timekeeper.realtimeAt(at));
  });

  it("gives KVM a copy that wraps where the host does not", () => {
    const host = new TscHost();
    const tooLate = hostTsc(2n ** 64n / 6710886n + 1n);
    expect(readMonotonic(host.timekeeper.copy(), tooLate)).toMatchObject({ wrapped: true });
    expect(host.timekeeper.monotonicAt(tooLate)).toBe((tooLate * 6710886n) >> 24n);
  });
});

describe("readClocks", () => {
  const clock = { mult: 3, xtimeNsec: 5n, baseNs: 1000n };
  const bases = {
    cycleLast: 100n,
    mask: 255n,
    shift: 2,
    maxCycles: 60n,
    mono: clock,
    raw: { ...clock, mult: 2 },
    offsRealNs: -50n,
    offsBootNs: 7n,
    taiOffsetSec: 1,
  };

  it.each([
    ["the short way", 160n, 1046n, 1031n],
    ["the wide way beyond maxCycles", 161n, 1047n, 1031n],
    ["through the counter's end", 10n, 1001n, 1001n],
    ["behind the last accumulation, where it stands still", 99n, 1001n, 1001n],
  ])("converts %s", (_, cycles, monotonicNs, rawNs) => {
    expect(readClocks(bases, cycles, "safe")).toEqual({
      monotonicNs,
      rawNs,
      boottimeNs: monotonicNs + 7n,
      realtimeNs: monotonicNs - 50n,
      taiNs: monotonicNs - 50n + BILLION,
    });
  });

  it("takes TAI for UTC unless told the offset, and wraps at 64 bits", () => {
    const { taiOffsetSec: _, ...untold } = bases;
    const far = { ...untold, mono: { ...clock, baseNs: 2n ** 63n - 1n } };
    expect(readClocks(far, 100n, "safe")).toMatchObject({
      monotonicNs: -(2n ** 63n),
      realtimeNs: 2n ** 63n - 50n,
      taiNs: 2n ** 63n - 50n,
    });
  });

  it.each([
    ["cycleLast", -1n],
    ["mask", 2n ** 64n],
    ["maxCycles", -1n],
    ["shift", 64],
    ["mono", { ...clock, mult: 2 ** 32 }],
    ["raw", { ...clock, xtimeNsec: -1n }],
    ["raw", { ...clock, baseNs: 2n ** 64n }],
    ["offsRealNs", 2n ** 63n],
    ["offsBootNs", -(2n ** 63n) - 1n],
    ["taiOffsetSec", 0.5],
  ])("refuses bases whose %s is out of its width", (member, value) => {
    expect(() => readClocks({ ...bases, [member]: value }, 100n, "safe")).toThrow(RangeError);
    expect(() => readClocks({ ...bases, [member]: "1" as never }, 100n, "safe")).toThrow(TypeError);
  });

  it("refuses a counter value or a form that is none", () => {
    expect(() => readClocks(bases, 2n ** 64n, "safe")).toThrow("readClocks: expected cycles ");
    expect(() => readClocks(bases, 0n, "wide" as never)).toThrow("readClocks: expected form ");
    expect(() => readClocks(undefined as never, 0n, "safe")).toThrow(TypeError);
  });
});
