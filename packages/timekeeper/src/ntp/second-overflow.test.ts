import { describe, expect, it } from "vitest";
import { NtpState } from "./ntp-state.js";
import type { NtpStateData } from "./ntp-state-data.js";

const ADJ_OFFSET = 0x0001;
const ADJ_MAXERROR = 0x0004;
const ADJ_STATUS = 0x0010;
const ADJ_TIMECONST = 0x0020;
const ADJ_NANO = 0x2000;
const ADJ_OFFSET_SINGLESHOT = 0x8001;
const ADJ_OFFSET_SS_READ = 0xa001;
const STA_PLL = 0x0001;
const STA_UNSYNC = 0x0040;

const CLOCK = { xtimeSec: 1_000n, realtime: { sec: 1_000n, nsec: 0n }, taiOffsetSec: 37 };
const NS = 1n << 32n;

/** What the present tick length is beyond its base, ns × 2^32. */
const slewOf = (ntp: NtpState): bigint => BigInt.asIntN(64, ntp.tickLength - ntp.tickLengthBase);

/** A loop that is given `offsetNs` once. */
function slewing(hz: number, timeConstant: bigint, offsetNs: bigint): NtpState {
  const ntp = new NtpState({ hz });
  const modes = ADJ_STATUS | ADJ_NANO | ADJ_TIMECONST | ADJ_OFFSET;
  ntp.adjtimex({ modes, status: STA_PLL, constant: timeConstant, offset: offsetNs }, CLOCK);
  return ntp;
}

const fresh = (hz: number): NtpStateData => new NtpState({ hz }).state();

describe("a phase offset", () => {
  it.each([
    // 10 ms: a tick of 4 ms carries 4 ns for each ppm.
    [0n, 10_000n * NS], // 2500 ppm
    [1n, 5_000n * NS],
    [2n, 2_500n * NS], // 625 ppm
    [4n, 625n * NS], // 156.25 ppm
    [6n, (625n * NS) / 4n], // 39.0625 ppm
    [10n, (625n * NS) / 64n], // 2.44140625 ppm
  ])("of 10 ms at time constant %s is slewed by its share in the first second", (timeConstant, slew) => {
    const ntp = slewing(250, timeConstant, 10_000_000n);
    expect(slewOf(ntp)).toBe(0n);
    ntp.secondOverflow(1_001n);
    expect(slewOf(ntp)).toBe(slew);
  });

  it("at time constant 2 falls to 15/16 each second", () => {
    const ntp = slewing(250, 2n, 10_000_000n);
    let slew = 2_500n * NS;
    for (let second = 1n; second <= 9n; second++) {
      ntp.secondOverflow(1_000n + second);
      expect(slewOf(ntp)).toBe(slew);
      slew = (slew * 15n) / 16n;
    }
  });

  it("of the largest size at time constant 0 is slewed at 125 000 ppm: 500 ppm is no limit here", () => {
    const ntp = slewing(250, 0n, 500_000_000n);
    ntp.secondOverflow(1_001n);
    expect(slewOf(ntp)).toBe(500_000n * NS);
  });

  it("below 2^(2+tc) units is never slewed, and a negative one is cut toward zero as well", () => {
    for (const [timeOffset, left, slew] of [
      ["15", 15n, 0n],
      ["16", 15n, 1n],
      ["-15", -15n, 0n],
      ["-16", -15n, -1n],
      ["-31", -30n, -1n],
    ] as const) {
      const ntp = NtpState.fromState({ ...fresh(250), timeOffset });
      ntp.secondOverflow(1n);
      expect([ntp.timeOffset, slewOf(ntp)]).toEqual([left, slew]);
    }
  });

  it("and an adjtime() slew add up, and end each on its own", () => {
    const ntp = slewing(1000, 2n, 10_000_000n);
    ntp.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: -400n }, CLOCK);
    ntp.secondOverflow(1_001n);
    expect(slewOf(ntp)).toBe(625n * NS - 400n * NS);
    ntp.secondOverflow(1_002n);
    expect(slewOf(ntp)).toBe((625n * NS * 15n) / 16n);
  });
});

describe("adjtime()", () => {
  it("slews 500 µs a second, then what is left", () => {
    const ntp = new NtpState({ hz: 250 });
    ntp.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 1_200n }, CLOCK);
    const seconds = [1n, 2n, 3n, 4n].map((secs) => {
      ntp.secondOverflow(secs);
      return [slewOf(ntp) / NS, ntp.timeAdjust];
    });
    expect(seconds).toEqual([
      [2_000n, 700n],
      [2_000n, 200n],
      [800n, 0n],
      [0n, 0n],
    ]);
  });

  it.each([
    // At 300 Hz 500 µs are 1666.67 ns a tick: exact to 2^−32 ns above 500 µs, cut to whole ns at and below.
    [501n, (500_000n * NS) / 300n, 1n],
    [500n, 1_666n * NS, 0n],
    [499n, 1_663n * NS, 0n],
    [1n, 3n * NS, 0n],
    [-1n, -3n * NS, 0n],
    [-500n, -1_666n * NS, 0n],
    [-501n, -((500_000n * NS) / 300n), -1n],
  ])("of %s µs at 300 Hz adds %s to the tick", (offset, slew, left) => {
    const ntp = new NtpState({ hz: 300 });
    ntp.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset }, CLOCK);
    ntp.secondOverflow(1n);
    expect([slewOf(ntp), ntp.timeAdjust]).toEqual([slew, left]);
  });

  it("of less than 1 ns a tick is lost", () => {
    const ntp = new NtpState({ hz: 3000 });
    ntp.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 2n }, CLOCK);
    ntp.secondOverflow(1n);
    expect([slewOf(ntp), ntp.timeAdjust]).toEqual([0n, 0n]);
  });

  it("answers with what the one before had left, and a read changes nothing", () => {
    const ntp = new NtpState({ hz: 250 });
    const adjtime = (modes: number, offset: bigint) => ntp.adjtimex({ modes, offset }, CLOCK).answer.offset;
    expect(adjtime(ADJ_OFFSET_SINGLESHOT, 1_200n)).toBe(0n);
    ntp.secondOverflow(1n);
    expect(ntp.adjtimex({ modes: ADJ_OFFSET_SS_READ }, CLOCK).answer.offset).toBe(700n);
    expect(slewOf(ntp)).toBe(2_000n * NS);
    expect(adjtime(ADJ_OFFSET_SINGLESHOT, -3n)).toBe(700n);
    expect(adjtime(ADJ_OFFSET_SS_READ, 99n)).toBe(-3n);
    expect(slewOf(ntp)).toBe(2_000n * NS);
  });
});

describe("the error bound", () => {
  const synchronised = (maxerror: bigint): NtpState => {
    const ntp = new NtpState({ hz: 250 });
    ntp.adjtimex({ modes: ADJ_STATUS | ADJ_MAXERROR, status: STA_PLL, maxerror }, CLOCK);
    return ntp;
  };

  it("grows by 500 µs a second, and beyond 16 s the clock is not synchronised", () => {
    const ntp = synchronised(15_999_000n);
    const seconds = [1n, 2n, 3n].map((secs) => {
      ntp.secondOverflow(secs);
      return [ntp.timeMaxerror, ntp.timeStatus];
    });
    expect(seconds).toEqual([
      [15_999_500n, STA_PLL],
      [16_000_000n, STA_PLL],
      [16_000_000n, STA_PLL | STA_UNSYNC],
    ]);
  });

  it("takes 32 000 seconds without an update from 0 to the limit, and one more to lose synchronisation", () => {
    const ntp = synchronised(0n);
    for (let secs = 1n; secs <= 32_000n; secs++) ntp.secondOverflow(secs);
    expect([ntp.timeMaxerror, ntp.timeStatus]).toEqual([16_000_000n, STA_PLL]);
    ntp.secondOverflow(32_001n);
    expect(ntp.timeStatus).toBe(STA_PLL | STA_UNSYNC);
  });

  it("is at its limit after boot: synchronised by ADJ_STATUS alone, the clock stays so for less than a second", () => {
    const ntp = new NtpState({ hz: 250 });
    ntp.adjtimex({ modes: ADJ_STATUS, status: STA_PLL }, CLOCK);
    expect(ntp.timeStatus).toBe(STA_PLL);
    ntp.secondOverflow(1n);
    expect(ntp.timeStatus).toBe(STA_PLL | STA_UNSYNC);
  });
});
