import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClockCopy,
  hostTsc,
  type KvmClockCopy,
  readKvmclockBase,
  readMonotonic,
  readRealtime,
} from "../index.js";

const MASK_64 = 2n ** 64n - 1n;
const MULT = 6710886;
const SHIFT = 24;
const LAST = 1_000_000_000_000n;

const clock: ClockCopy = {
  vclockMode: "tsc",
  cycleLast: LAST,
  mask: MASK_64,
  mult: MULT,
  shift: SHIFT,
  baseCycles: 3n << 24n,
  offset: 50_000_000_000n,
};
const copy: KvmClockCopy = {
  mono: clock,
  raw: { ...clock, offset: 40_000_000_000n },
  offsBootNs: 7n,
  wallTimeSec: 1_700_000_000n,
};
/** The first difference whose product leaves 64 bits: 1099.5 s at 2.5 GHz. */
const FIRST_WRAPPED = 2n ** 64n / BigInt(MULT) + 1n;

describe("reads of KVM's clock copy", () => {
  it("take base and remainder of the right clock, and the boot offset for kvmclock only", () => {
    const tsc = hostTsc(LAST);
    expect(readKvmclockBase(copy, tsc)).toEqual({ ns: 40_000_000_010n, tsc, wrapped: false });
    expect(readMonotonic(copy, tsc)).toEqual({ ns: 50_000_000_003n, tsc, wrapped: false });
    expect(readRealtime(copy, tsc)).toEqual({ sec: 1_700_000_000n, nsec: 3n, tsc, wrapped: false });
  });

  it("split CLOCK_REALTIME into whole seconds and a remainder below one", () => {
    const reading = readRealtime(copy, hostTsc(LAST + 5_000_000_001n));
    expect(reading).toMatchObject({ sec: 1_700_000_001n, nsec: 999_999_884n });
  });

  it("hand out the clamped TSC when the counter is behind the last update", () => {
    expect(readMonotonic(copy, hostTsc(LAST - 1n))).toEqual(readMonotonic(copy, hostTsc(LAST)));
  });

  it("clamp to the MONOTONIC copy even when RAW is read", () => {
    const ahead = { ...copy, mono: { ...clock, cycleLast: LAST + 2_500_000n } };
    const reading = readKvmclockBase(ahead, hostTsc(LAST));
    expect(reading).toMatchObject({ tsc: LAST + 2_500_000n, ns: 40_000_000_010n + 999_999n });
  });

  it("say when the 64-bit product wrapped: time falls back by 18 minutes", () => {
    const before = readMonotonic(copy, hostTsc(LAST + FIRST_WRAPPED - 1n));
    const after = readMonotonic(copy, hostTsc(LAST + FIRST_WRAPPED));
    expect(after).toMatchObject({ wrapped: true, ns: 50_000_000_003n });
    // The remainder alone carries the last difference past 64 bits, before the product does.
    expect(before).toMatchObject({ wrapped: true });
    expect(readMonotonic(copy, hostTsc(LAST + FIRST_WRAPPED - 10n))).toMatchObject({
      wrapped: false,
      ns: 50_000_000_000n + 2n ** 40n - 1n,
    });
  });

  it("fail when the clock read is not TSC-based, and work from Hyper-V's page", () => {
    const none = { ...copy, raw: { ...copy.raw, vclockMode: "none" as const } };
    expect(readKvmclockBase(none, hostTsc(LAST))).toBeUndefined();
    expect(readMonotonic(none, hostTsc(LAST))).toBeDefined();
    const neither = { ...none, mono: { ...clock, vclockMode: "none" as const } };
    expect(readMonotonic(neither, hostTsc(LAST))).toBeUndefined();
    expect(readRealtime(neither, hostTsc(LAST))).toBeUndefined();
    const page = { ...copy, raw: { ...copy.raw, vclockMode: "hyperv-page" as const } };
    expect(readKvmclockBase(page, hostTsc(LAST))).toEqual(readKvmclockBase(copy, hostTsc(LAST)));
  });

  it("are exact, and say so, for every difference that does not wrap", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: FIRST_WRAPPED - 10n }), (delta) => {
        const exact = (delta * BigInt(MULT)) / 2n ** 24n + 3n + clock.offset;
        expect(readMonotonic(copy, hostTsc(LAST + delta))).toMatchObject({ ns: exact, wrapped: false });
      }),
    );
  });

  it("wrap the seconds of CLOCK_REALTIME at signed 64 bits", () => {
    const second = hostTsc(LAST + 2_500_000_000n);
    const last = { ...copy, wallTimeSec: 2n ** 63n - 1n };
    expect(readRealtime(last, second)).toMatchObject({ sec: 2n ** 63n - 1n, nsec: 999_999_943n });
    expect(readRealtime(last, hostTsc(second + 1000n))).toMatchObject({ sec: -(2n ** 63n), nsec: 343n });
  });

  it.each([
    ["mono.vclockMode", { mono: { ...clock, vclockMode: "hpet" as never } }],
    ["raw.vclockMode", { raw: { ...clock, vclockMode: undefined as never } }],
    ["mono.cycleLast", { mono: { ...clock, cycleLast: -1n } }],
    ["raw.mult", { raw: { ...clock, mult: -1 } }],
    ["raw.shift", { raw: { ...clock, shift: 64 } }],
    ["mono.mask", { mono: { ...clock, mask: 2n ** 64n } }],
    ["mono.baseCycles", { mono: { ...clock, baseCycles: -1n } }],
    ["raw.offset", { raw: { ...clock, offset: -1n } }],
    ["offsBootNs", { offsBootNs: 2n ** 63n }],
    ["wallTimeSec", { wallTimeSec: 2n ** 63n }],
  ])("refuse a bad %s", (name, wrong) => {
    for (const read of [readKvmclockBase, readMonotonic, readRealtime]) {
      expect(() => read({ ...copy, ...wrong }, hostTsc(0n))).toThrow(`${read.name}: expected ${name}`);
    }
  });

  it("refuse a TSC that is no u64", () => {
    for (const read of [readKvmclockBase, readMonotonic, readRealtime]) {
      expect(() => read(copy, -1n as never)).toThrow(`${read.name}: expected tsc`);
    }
  });
});
