import { describe, expect, it } from "vitest";
import { NtpState } from "./ntp-state.js";

const ADJ_STATUS = 0x0010;
const ADJ_MAXERROR = 0x0004;
const STA_PLL = 0x0001;
const STA_INS = 0x0010;
const STA_DEL = 0x0020;
const [TIME_OK, TIME_INS, TIME_DEL, TIME_OOP, TIME_WAIT, TIME_ERROR] = [0, 1, 2, 3, 4, 5];

/** 2023-11-15 00:00:00 UTC. */
const MIDNIGHT = 1_700_006_400n;

const clockAt = (sec: bigint, nsec = 0n) => ({ xtimeSec: sec, realtime: { sec, nsec }, taiOffsetSec: 37 });

const setStatus = (ntp: NtpState, status: number) =>
  ntp.adjtimex(
    { modes: ADJ_STATUS | ADJ_MAXERROR, status: STA_PLL | status, maxerror: 0n },
    clockAt(MIDNIGHT - 10n),
  );

function announced(status: number): NtpState {
  const ntp = new NtpState({ hz: 250 });
  setStatus(ntp, status);
  return ntp;
}

/** Runs from second `from` on as a timekeeper does: the leap goes into the seconds. */
function run(
  ntp: NtpState,
  from: bigint,
  seconds: number,
): (readonly [secs: bigint, leap: number, state: number])[] {
  let xtimeSec = from;
  return Array.from({ length: seconds }, () => {
    const secs = xtimeSec;
    const leap = ntp.secondOverflow(secs);
    xtimeSec += BigInt(leap) + 1n;
    return [secs - MIDNIGHT, leap, ntp.timeState] as const;
  });
}

describe("an announced leap second", () => {
  it("is inserted at midnight: the last second of the day runs twice", () => {
    expect(run(announced(STA_INS), MIDNIGHT - 2n, 6)).toEqual([
      [-2n, 0, TIME_INS],
      [-1n, 0, TIME_INS],
      [0n, -1, TIME_OOP],
      [0n, 0, TIME_WAIT],
      [1n, 0, TIME_WAIT],
      [2n, 0, TIME_WAIT],
    ]);
  });

  it("is deleted at 23:59:59: that second does not run", () => {
    expect(run(announced(STA_DEL), MIDNIGHT - 3n, 5)).toEqual([
      [-3n, 0, TIME_DEL],
      [-2n, 0, TIME_DEL],
      [-1n, 1, TIME_WAIT],
      [1n, 0, TIME_WAIT],
      [2n, 0, TIME_WAIT],
    ]);
  });

  it("is inserted when both are announced", () => {
    expect(run(announced(STA_INS | STA_DEL), MIDNIGHT - 1n, 2).at(-1)).toEqual([0n, -1, TIME_OOP]);
  });

  it.each([
    [STA_INS, MIDNIGHT - 1n, MIDNIGHT],
    [STA_INS, MIDNIGHT, MIDNIGHT + 86_400n],
    [STA_INS, MIDNIGHT + 1n, MIDNIGHT + 86_400n],
    [STA_DEL, MIDNIGHT - 2n, MIDNIGHT - 1n],
    [STA_DEL, MIDNIGHT - 1n, MIDNIGHT + 86_399n],
    [STA_DEL, MIDNIGHT, MIDNIGHT + 86_399n],
  ])("(status %i) seen in second %i is due in second %i", (status, secs, due) => {
    const ntp = announced(status);
    expect(ntp.nextLeapSec).toBeUndefined();
    ntp.secondOverflow(secs);
    expect(ntp.nextLeapSec).toBe(due);
  });

  it.each([
    [STA_INS, TIME_INS],
    [STA_DEL, TIME_DEL],
  ])("(status %i) that is withdrawn in time does not happen", (status, state) => {
    const ntp = announced(status);
    ntp.secondOverflow(MIDNIGHT - 3n);
    expect(ntp.timeState).toBe(state);
    setStatus(ntp, 0);
    expect(run(ntp, MIDNIGHT - 2n, 4).map(([, leap]) => leap)).toEqual([0, 0, 0, 0]);
    expect([ntp.timeState, ntp.nextLeapSec]).toEqual([TIME_OK, undefined]);
  });

  it("happens once: the machine waits until its bit is cleared", () => {
    const ntp = announced(STA_INS);
    run(ntp, MIDNIGHT - 1n, 2);
    expect(ntp.nextLeapSec).toBe(MIDNIGHT);
    run(ntp, MIDNIGHT, 2);
    expect(ntp.nextLeapSec).toBeUndefined();
    expect(run(ntp, MIDNIGHT + 86_399n, 2).map(([, leap]) => leap)).toEqual([0, 0]);
    setStatus(ntp, 0);
    ntp.secondOverflow(MIDNIGHT + 90_000n);
    expect(ntp.timeState).toBe(TIME_OK);
  });

  it("is forgotten, not withdrawn, by a step of the clock: the state stays and nothing comes of it", () => {
    const ntp = announced(STA_INS);
    ntp.secondOverflow(MIDNIGHT - 2n);
    ntp.clear();
    expect([ntp.timeState, ntp.nextLeapSec]).toEqual([TIME_INS, undefined]);
    expect(run(ntp, MIDNIGHT - 1n, 3).map(([, leap]) => leap)).toEqual([0, 0, 0]);
    expect(ntp.timeState).toBe(TIME_INS);
  });

  it("is gone when the loop is switched off", () => {
    const ntp = announced(STA_INS);
    ntp.secondOverflow(MIDNIGHT - 2n);
    ntp.adjtimex({ modes: ADJ_STATUS, status: STA_INS }, clockAt(MIDNIGHT - 2n));
    expect([ntp.timeState, ntp.nextLeapSec]).toEqual([TIME_OK, undefined]);
  });
});

describe("adjtimex around a leap second", () => {
  const read = (ntp: NtpState, sec: bigint) => {
    const { result, time, tai } = ntp.adjtimex({ modes: 0 }, clockAt(sec, 250_000_000n)).answer;
    return [result, time.sec - MIDNIGHT, tai];
  };

  it("reads the inserted second before the tick has applied it, and answers OOP", () => {
    const ntp = announced(STA_INS);
    ntp.secondOverflow(MIDNIGHT - 1n);
    expect(read(ntp, MIDNIGHT - 1n)).toEqual([TIME_INS, -1n, 37]);
    expect(read(ntp, MIDNIGHT)).toEqual([TIME_OOP, -1n, 38]);
    ntp.secondOverflow(MIDNIGHT);
    expect(read(ntp, MIDNIGHT - 1n)).toEqual([TIME_OOP, -1n, 37]);
    expect(read(ntp, MIDNIGHT)).toEqual([TIME_WAIT, 0n, 37]);
  });

  it("jumps the deleted second before the tick has applied it, and answers WAIT", () => {
    const ntp = announced(STA_DEL);
    ntp.secondOverflow(MIDNIGHT - 2n);
    expect(read(ntp, MIDNIGHT - 2n)).toEqual([TIME_DEL, -2n, 37]);
    expect(read(ntp, MIDNIGHT - 1n)).toEqual([TIME_WAIT, 0n, 36]);
  });

  it("answers with the leap even while the clock is not synchronised", () => {
    const ntp = announced(STA_INS);
    ntp.secondOverflow(MIDNIGHT - 1n);
    ntp.adjtimex({ modes: ADJ_STATUS, status: STA_PLL | STA_INS | 0x40 }, clockAt(MIDNIGHT - 1n));
    expect(read(ntp, MIDNIGHT - 1n)[0]).toBe(TIME_ERROR);
    expect(read(ntp, MIDNIGHT)[0]).toBe(TIME_OOP);
  });
});
