import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NtpState } from "./ntp-state.js";
import type { Timex } from "./timex.js";

const ADJ_OFFSET = 0x0001;
const ADJ_FREQUENCY = 0x0002;
const ADJ_MAXERROR = 0x0004;
const ADJ_ESTERROR = 0x0008;
const ADJ_STATUS = 0x0010;
const ADJ_TIMECONST = 0x0020;
const ADJ_TAI = 0x0080;
const ADJ_SETOFFSET = 0x0100;
const ADJ_MICRO = 0x1000;
const ADJ_NANO = 0x2000;
const ADJ_TICK = 0x4000;
const ADJ_OFFSET_SINGLESHOT = 0x8001;
const STA_PLL = 0x0001;
const STA_INS = 0x0010;
const STA_UNSYNC = 0x0040;
const STA_CLOCKERR = 0x1000;
const STA_NANO = 0x2000;
const STA_MODE = 0x4000;

const EINVAL = -22;
const MAXFREQ_SCALED = 500_000n << 32n;
const CLOCK = { xtimeSec: 5_000n, realtime: { sec: 5_001n, nsec: 123_456_789n }, taiOffsetSec: 37 };

const adjust = (ntp: NtpState, timex: Timex) => ntp.adjtimex(timex, CLOCK);
const after = (timex: Timex, hz = 250): NtpState => {
  const ntp = new NtpState({ hz });
  adjust(ntp, timex);
  return ntp;
};

describe("a call that only reads", () => {
  it("finds the state of boot: not synchronised, the error bounds at their limits", () => {
    const ntp = new NtpState({ hz: 250 });
    const before = ntp.state();
    expect(adjust(ntp, { modes: 0 })).toEqual({
      answer: {
        result: 5,
        offset: 0n,
        freq: 0n,
        maxerror: 16_000_000n,
        esterror: 16_000_000n,
        status: STA_UNSYNC,
        constant: 2n,
        precision: 1n,
        tolerance: 32_768_000n,
        tick: 10_000n,
        time: { sec: 5_001n, usec: 123_456n },
        tai: 37,
      },
      taiOffsetSec: 37,
    });
    expect(ntp.state()).toEqual(before);
  });

  it("reads time and offset in ns once ADJ_NANO was given, and in µs, cut toward zero, after ADJ_MICRO", () => {
    const modes = ADJ_STATUS | ADJ_NANO | ADJ_OFFSET;
    const ntp = after({ modes, status: STA_PLL, offset: -1_999_999n });
    expect(adjust(ntp, { modes: 0 }).answer).toMatchObject({
      // Cut to 2^−32 ns a tick when it was set, and to ns now: one less.
      offset: -1_999_998n,
      time: { sec: 5_001n, usec: 123_456_789n },
    });
    expect(adjust(ntp, { modes: ADJ_MICRO }).answer).toMatchObject({
      offset: -1_999n,
      time: { sec: 5_001n, usec: 123_456n },
    });
  });

  it.each([
    [STA_PLL, 0],
    [STA_PLL | STA_UNSYNC, 5],
    [STA_PLL | STA_CLOCKERR, 5],
  ])("with status %i answers %i", (timeStatus, result) => {
    const ntp = NtpState.fromState({ ...new NtpState({ hz: 250 }).state(), timeStatus });
    expect(adjust(ntp, { modes: 0 }).answer.result).toBe(result);
  });
});

describe("ADJ_FREQUENCY", () => {
  it.each([
    // ppm × 2^16 → ns/s × 2^32, ns × 2^32 a tick at 250 Hz
    [0n, 0n, 17_179_869_184_000_000n],
    [1n, 65_536_000n, 17_179_869_184_262_144n],
    [-1n, -65_536_000n, 17_179_869_183_737_856n],
    [32_767_999n, 2_147_483_582_464_000n, 17_188_459_118_329_856n],
    [32_768_000n, MAXFREQ_SCALED, 17_188_459_118_592_000n],
    [32_768_001n, MAXFREQ_SCALED, 17_188_459_118_592_000n],
    [-32_768_001n, -MAXFREQ_SCALED, 17_171_279_249_408_000n],
    [140_737_488_355n, MAXFREQ_SCALED, 17_188_459_118_592_000n],
    [-140_737_488_355n, -MAXFREQ_SCALED, 17_171_279_249_408_000n],
  ])("%s is at once a frequency of %s and a tick of %s", (freq, timeFreq, tickLength) => {
    const ntp = after({ modes: ADJ_FREQUENCY, freq });
    expect([ntp.timeFreq, ntp.tickLength, ntp.tickLengthBase]).toEqual([timeFreq, tickLength, tickLength]);
  });

  it.each([140_737_488_356n, -140_737_488_356n, 2n ** 63n - 1n, -(2n ** 63n)])("%s is refused", (freq) => {
    const ntp = new NtpState({ hz: 250 });
    expect(adjust(ntp, { modes: ADJ_FREQUENCY, freq }).answer.result).toBe(EINVAL);
    expect(
      adjust(ntp, { modes: ADJ_FREQUENCY | ADJ_OFFSET_SINGLESHOT, offset: 1n, freq }).answer.result,
    ).toBe(EINVAL);
    expect(ntp.state()).toEqual(new NtpState({ hz: 250 }).state());
  });

  it("reads back as it was set, over the whole range", () => {
    const ntp = new NtpState({ hz: 250 });
    fc.assert(
      fc.property(fc.bigInt({ min: -32_768_000n, max: 32_768_000n }), (freq) => {
        expect(adjust(ntp, { modes: ADJ_FREQUENCY, freq }).answer.freq).toBe(freq);
      }),
    );
  });

  it("leaves a running slew in the tick", () => {
    const ntp = after({ modes: ADJ_OFFSET_SINGLESHOT, offset: 500n });
    ntp.secondOverflow(5_001n);
    adjust(ntp, { modes: ADJ_FREQUENCY, freq: -(1n << 16n) });
    expect(ntp.tickLength - ntp.tickLengthBase).toBe(2_000n << 32n);
    expect(ntp.tickLengthBase).toBe(17_179_852_004_130_816n);
  });
});

describe("ADJ_TICK", () => {
  it.each([
    [9_000n, 15_461_882_265_600_000n],
    [9_167n, 15_748_786_080_972_800n],
    [10_833n, 18_610_952_287_027_200n],
    [11_000n, 18_897_856_102_400_000n],
  ])("%s µs is a tick of %s", (tick, tickLength) => {
    const ntp = after({ modes: ADJ_TICK, tick });
    expect([ntp.tickUsec, ntp.tickLength]).toEqual([tick, tickLength]);
  });

  it.each([8_999n, 11_001n, 0n, -10_000n, 2n ** 63n - 1n])(
    "%s µs is refused, and the rest of the call with it",
    (tick) => {
      const ntp = new NtpState({ hz: 250 });
      const { answer, taiOffsetSec } = adjust(ntp, {
        modes: ADJ_TICK | ADJ_FREQUENCY | ADJ_STATUS | ADJ_TAI,
        tick,
        freq: 65_536n,
        status: 0,
        constant: 5n,
      });
      expect([answer.result, answer.freq, answer.tick, answer.tai, taiOffsetSec]).toEqual([
        EINVAL,
        0n,
        10_000n,
        37,
        37,
      ]);
      expect(ntp.state()).toEqual(new NtpState({ hz: 250 }).state());
    },
  );

  it("is neither judged nor used in a single-shot call", () => {
    const ntp = after({ modes: ADJ_OFFSET_SINGLESHOT | ADJ_TICK, offset: 3n, tick: 1n });
    expect([ntp.tickUsec, ntp.timeAdjust]).toEqual([10_000n, 3n]);
  });

  it("and ADJ_FREQUENCY together reach 100 500 ppm", () => {
    const ntp = after({ modes: ADJ_TICK | ADJ_FREQUENCY, tick: 11_000n, freq: 32_768_000n }, 1000);
    expect(ntp.tickLength).toBe(1_100_500n << 32n);
  });
});

describe("ADJ_STATUS", () => {
  const switched = (timeStatus: number, status: number): number => {
    const ntp = NtpState.fromState({ ...new NtpState({ hz: 250 }).state(), timeStatus });
    adjust(ntp, { modes: ADJ_STATUS, status });
    return ntp.timeStatus;
  };

  it.each([
    [STA_PLL | STA_NANO | STA_MODE, STA_PLL | STA_INS, STA_PLL | STA_INS | STA_NANO | STA_MODE],
    [STA_UNSYNC, 0xffff, 0x00ff],
    [0xff00, 0, 0xff00],
    // Switching the loop off forgets even the read-only bits.
    [STA_PLL | STA_NANO | STA_MODE | STA_INS, STA_UNSYNC | STA_INS, STA_UNSYNC | STA_INS],
    // Only 16 bits have names; an int has 32, and the kernel keeps them.
    [0, -1, ~0xff00],
    [STA_PLL, 0x10000, 0x10000],
  ])("%i then %i is %i", (before, given, status) => {
    expect(switched(before, given)).toBe(status);
  });

  it("dates the loop with the present second when it switches it on, and only then", () => {
    const ntp = new NtpState({ hz: 250 });
    adjust(ntp, { modes: ADJ_STATUS, status: STA_INS });
    expect(ntp.timeReftime).toBe(0n);
    adjust(ntp, { modes: ADJ_STATUS, status: STA_PLL });
    expect(ntp.timeReftime).toBe(5_000n);
    ntp.adjtimex({ modes: ADJ_STATUS, status: STA_PLL }, { ...CLOCK, xtimeSec: 6_000n });
    expect(ntp.timeReftime).toBe(5_000n);
  });
});

describe("the other modes", () => {
  it.each([
    [-1n, 0n],
    [0n, 0n],
    [16_000_000n, 16_000_000n],
    [16_000_001n, 16_000_000n],
    [-(2n ** 63n), 0n],
  ])("take an error of %s µs as %s", (error, taken) => {
    const modes = ADJ_MAXERROR | ADJ_ESTERROR;
    const { maxerror, esterror } = adjust(new NtpState({ hz: 250 }), {
      modes,
      maxerror: error,
      esterror: error,
    }).answer;
    expect([maxerror, esterror]).toEqual([taken, taken]);
  });

  it.each([
    [ADJ_NANO, -1n, 0],
    [ADJ_NANO, 7n, 7],
    [ADJ_NANO, 11n, 10],
    [ADJ_MICRO, -1n, 4],
    [ADJ_MICRO, 0n, 4],
    [ADJ_MICRO, 6n, 10],
    [ADJ_MICRO, 7n, 10],
    [ADJ_MICRO, 2n ** 63n - 1n, 10],
  ])("(unit %i) take a time constant of %s as %i", (unit, constant, timeConstant) => {
    expect(after({ modes: ADJ_TIMECONST | unit, constant }).timeConstant).toBe(timeConstant);
  });

  it.each([
    [-1n, 37],
    [0n, 0],
    [100_000n, 100_000],
    [100_001n, 37],
  ])("make TAI − UTC of %s be %i: outside 0 … 100 000 s it is ignored", (constant, tai) => {
    const { answer, taiOffsetSec } = adjust(new NtpState({ hz: 250 }), { modes: ADJ_TAI, constant });
    expect([answer.result, answer.tai, taiOffsetSec]).toEqual([5, tai, tai]);
  });

  it.each([
    [0x8000, EINVAL],
    [0xa000, EINVAL],
    [0xc000, EINVAL],
    [0x8001, 5],
    [0xa001, 5],
    // Bits without a meaning are no fault.
    [0xffff_0000, 5],
    [0x0e40, 5],
  ])("%i are answered with %i", (modes, result) => {
    expect(adjust(new NtpState({ hz: 250 }), { modes, offset: 0n }).answer.result).toBe(result);
  });

  it.each([
    [ADJ_SETOFFSET, -1n, EINVAL],
    [ADJ_SETOFFSET, 0n, 5],
    [ADJ_SETOFFSET, 999_999n, 5],
    [ADJ_SETOFFSET, 1_000_000n, EINVAL],
    [ADJ_SETOFFSET | ADJ_NANO, 999_999_999n, 5],
    [ADJ_SETOFFSET | ADJ_NANO, 1_000_000_000n, EINVAL],
  ])("%i with a fraction of %s are answered with %i", (modes, usec, result) => {
    const timex = { modes, time: { sec: -(2n ** 63n), usec } };
    expect(adjust(new NtpState({ hz: 250 }), timex).answer.result).toBe(result);
  });
});

describe("the order inside one call", () => {
  it("sets the unit before the time constant and the offset that are in it", () => {
    const modes = ADJ_STATUS | ADJ_NANO | ADJ_TIMECONST | ADJ_OFFSET;
    const ntp = after({ modes, status: STA_PLL, constant: 1n, offset: 1_000n });
    expect([ntp.timeConstant, ntp.timeOffset]).toEqual([1, 4n << 32n]);
  });

  it("clears a unit that is set and cleared in one call", () => {
    const ntp = after({ modes: ADJ_NANO | ADJ_MICRO });
    expect(ntp.timeStatus).toBe(STA_UNSYNC);
  });

  it("sets the frequency before the offset corrects it, and the time constant before it is used", () => {
    const sec = 5_000n + 8n;
    const ntp = after({ modes: ADJ_STATUS | ADJ_NANO, status: STA_PLL });
    const modes = ADJ_FREQUENCY | ADJ_TIMECONST | ADJ_OFFSET;
    ntp.adjtimex({ modes, freq: 65_536n, constant: 0n, offset: 1n }, { ...CLOCK, xtimeSec: sec });
    expect(ntp.timeFreq).toBe((1_000n << 32n) + (8n << 24n));
    expect(ntp.tickLengthBase).toBe((10n ** 9n * 2n ** 32n + ntp.timeFreq) / 250n);
  });
});
