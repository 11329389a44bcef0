import { describe, expect, it } from "vitest";
import { NtpState } from "./ntp-state.js";
import type { NtpStateData } from "./ntp-state-data.js";
import type { AdjtimexClock, Timex } from "./timex.js";

const CLOCK: AdjtimexClock = { xtimeSec: 0n, realtime: { sec: 0n, nsec: 0n }, taiOffsetSec: 0 };

/** Hands over what the type forbids, as a JavaScript caller can. */
const untyped = <T>(value: unknown): T => value as T;

describe("a new state", () => {
  it.each([
    [12, 83_333_333n, 357_913_941_333_333_333n],
    [100, 10_000_000n, 42_949_672_960_000_000n],
    [250, 4_000_000n, 17_179_869_184_000_000n],
    [300, 3_333_333n, 14_316_557_653_333_333n],
    [1000, 1_000_000n, 4_294_967_296_000_000n],
    [1024, 976_562n, 4_194_304_000_000_000n],
    [3000, 333_333n, 1_431_655_765_333_333n],
  ])("at %i Hz has ticks of %s ns, %s × 2^−32 ns, cut", (hz, tickNsec, tickLength) => {
    const ntp = new NtpState({ hz });
    expect([ntp.hz, ntp.tickNsec, ntp.tickLength, ntp.tickLengthBase]).toEqual([
      hz,
      tickNsec,
      tickLength,
      tickLength,
    ]);
  });

  it.each([11, 3001, 250.5, Number.NaN, 0])("at %s Hz is a mistake", (hz) => {
    expect(() => new NtpState({ hz })).toThrow(RangeError);
  });

  it.each([[{ hz: 250n }], [{ hz: "250" }], [{}], [undefined], [null]])(
    "made from %o is a mistake",
    (options) => {
      expect(() => new NtpState(untyped(options))).toThrow(TypeError);
    },
  );
});

describe("clear", () => {
  it("drops slews, error estimates and the due leap, and keeps frequency, tick, constant and dates", () => {
    const before: NtpStateData = {
      hz: 250,
      tickUsec: 9_500,
      tickLength: "1",
      tickLengthBase: "2",
      timeState: 1,
      timeStatus: 0x2011,
      timeOffset: "-77",
      timeConstant: 7,
      timeMaxerror: 5,
      timeEsterror: 6,
      timeFreq: "-4294967296",
      timeReftime: "99",
      timeAdjust: "-3",
      nextLeapSec: "86400",
    };
    const ntp = NtpState.fromState(before);
    ntp.clear();
    const base = String((((950_000_000n << 32n) - 2n ** 32n) / 250n).toString());
    expect(ntp.state()).toEqual({
      ...before,
      tickLength: base,
      tickLengthBase: base,
      timeStatus: 0x2051,
      timeOffset: "0",
      timeMaxerror: 16_000_000,
      timeEsterror: 16_000_000,
      timeAdjust: "0",
      nextLeapSec: null,
    });
  });
});

describe("a saved state", () => {
  const data = new NtpState({ hz: 250 }).state();

  it("is kept as it is, also where its parts do not follow from each other", () => {
    const odd = {
      ...data,
      tickLength: String(2n ** 64n - 1n),
      timeOffset: String(-(2n ** 63n)),
      timeStatus: -1,
    };
    expect(NtpState.fromState(odd).state()).toEqual(odd);
  });

  it.each([
    [{ hz: 11 }],
    [{ tickUsec: 8_999 }],
    [{ tickUsec: 11_001 }],
    [{ tickLength: "-1" }],
    [{ tickLength: "0x10" }],
    [{ tickLength: "" }],
    [{ tickLengthBase: String(2n ** 64n) }],
    [{ timeState: 5 }],
    [{ timeStatus: 2 ** 31 }],
    [{ timeOffset: String(2n ** 63n) }],
    [{ timeConstant: 11 }],
    [{ timeConstant: -1 }],
    [{ timeMaxerror: 16_000_001 }],
    [{ timeEsterror: -1 }],
    [{ timeFreq: String(-(2n ** 63n) - 1n) }],
    [{ timeReftime: "1.5" }],
    [{ timeAdjust: " 1" }],
    [{ nextLeapSec: "01" }],
  ])("with %o is a mistake", (change) => {
    expect(() => NtpState.fromState(untyped({ ...data, ...change }))).toThrow(RangeError);
  });

  it.each([
    [{ tickUsec: "10000" }],
    [{ timeFreq: 0n }],
    [{ timeStatus: null }],
    [{ nextLeapSec: undefined }],
  ])("with %o is a mistake of type", (change) => {
    expect(() => NtpState.fromState(untyped({ ...data, ...change }))).toThrow(TypeError);
  });

  it.each([[undefined], [null], ["{}"]])("that is %o is a mistake", (nothing) => {
    expect(() => NtpState.fromState(untyped(nothing))).toThrow(TypeError);
  });
});

describe("arguments", () => {
  const S64_PAST = 2n ** 63n;
  const ntp = new NtpState({ hz: 250 });
  const adjtimex = (timex: unknown, clock: unknown = CLOCK) =>
    ntp.adjtimex(untyped<Timex>(timex), untyped(clock));

  it.each([
    [{ modes: 0x0001, offset: S64_PAST }, "offset"],
    [{ modes: 0x8001, offset: -S64_PAST - 1n }, "offset"],
    [{ modes: 0x0002, freq: S64_PAST }, "freq"],
    [{ modes: 0x0004, maxerror: S64_PAST }, "maxerror"],
    [{ modes: 0x0008, esterror: S64_PAST }, "esterror"],
    [{ modes: 0x0010, status: 2 ** 31 }, "status"],
    [{ modes: 0x0020, constant: S64_PAST }, "constant"],
    [{ modes: 0x0080, constant: S64_PAST }, "constant"],
    [{ modes: 0x4000, tick: S64_PAST }, "tick"],
    [{ modes: 0x0100, time: { sec: S64_PAST, usec: 0n } }, "time.sec"],
    [{ modes: 0x0100, time: { sec: 0n, usec: S64_PAST } }, "time.usec"],
    [{ modes: -1 }, "modes"],
    [{ modes: 2 ** 32 }, "modes"],
  ])("%o are beyond struct timex: %s", (timex, name) => {
    expect(() => adjtimex(timex)).toThrow(RangeError);
    expect(() => adjtimex(timex)).toThrow(`NtpState.adjtimex: expected ${name} to be`);
  });

  it.each([
    [{ modes: 0x0001 }, "offset"],
    [{ modes: 0x8001 }, "offset"],
    [{ modes: 0x0002, freq: 1 }, "freq"],
    [{ modes: 0x8003, offset: 0n }, "freq"],
    [{ modes: 0x0004 }, "maxerror"],
    [{ modes: 0x0008 }, "esterror"],
    [{ modes: 0x0010, status: 1n }, "status"],
    [{ modes: 0x0020 }, "constant"],
    [{ modes: 0x0080 }, "constant"],
    [{ modes: 0x4000 }, "tick"],
    [{ modes: 0x0100 }, "time"],
    [{ modes: 0x0100, time: { sec: 0n } }, "time.usec"],
    [{ modes: 1n }, "modes"],
    [{}, "modes"],
    [undefined, "timex"],
  ])("%o are of a wrong type or missing: %s", (timex, name) => {
    expect(() => adjtimex(timex)).toThrow(TypeError);
    expect(() => adjtimex(timex)).toThrow(`NtpState.adjtimex: expected ${name} to be`);
  });

  it("of fields that the call does not read are not looked at", () => {
    const junk = {
      offset: 1,
      freq: "x",
      maxerror: null,
      esterror: 1.5,
      status: 2 ** 40,
      constant: {},
      tick: 0,
      time: 0,
    };
    expect(adjtimex({ modes: 0, ...junk }).answer.result).toBe(5);
    expect(adjtimex({ modes: 0xa001, ...junk }).answer.result).toBe(5);
  });

  it.each([
    [{ xtimeSec: 2n ** 63n }, RangeError],
    [{ xtimeSec: 0 }, TypeError],
    [{ realtime: { sec: -(2n ** 63n) - 1n, nsec: 0n } }, RangeError],
    [{ realtime: { sec: 0n, nsec: -1n } }, RangeError],
    [{ realtime: { sec: 0n, nsec: 10n ** 9n } }, RangeError],
    [{ realtime: undefined }, TypeError],
    [{ taiOffsetSec: 2 ** 31 }, RangeError],
    [{ taiOffsetSec: 0n }, TypeError],
  ])("of the timekeeper are checked, too: %o", (change, error) => {
    expect(() => adjtimex({ modes: 0 }, { ...CLOCK, ...change })).toThrow(error);
  });

  it("of a second must be an s64", () => {
    expect(() => ntp.secondOverflow(2n ** 63n)).toThrow(RangeError);
    expect(() => ntp.secondOverflow(untyped(1))).toThrow(TypeError);
  });
});
