import { describe, expect, it } from "vitest";
import { NtpState } from "./ntp-state.js";
import type { NtpStateData } from "./ntp-state-data.js";

const ADJ_OFFSET = 0x0001;
const STA_PLL = 0x0001;
const STA_FLL = 0x0008;
const STA_FREQHOLD = 0x0080;
const STA_NANO = 0x2000;
const STA_MODE = 0x4000;
const PLL_NANO = STA_PLL | STA_NANO;
const PLL_FLL_NANO = PLL_NANO | STA_FLL;

const REFTIME = 1_700_000_000n;
const MAXFREQ_SCALED = 500_000n << 32n;

/** A loop whose last phase offset is dated `REFTIME`. */
function loop(timeStatus: number, timeConstant = 0, changes: Partial<NtpStateData> = {}): NtpState {
  const data = new NtpState({ hz: 250 }).state();
  return NtpState.fromState({ ...data, timeStatus, timeConstant, timeReftime: String(REFTIME), ...changes });
}

function offset(ntp: NtpState, value: bigint, secsLater: bigint): NtpState {
  const sec = REFTIME + secsLater;
  ntp.adjtimex(
    { modes: ADJ_OFFSET, offset: value },
    { xtimeSec: sec, realtime: { sec, nsec: 0n }, taiOffsetSec: 0 },
  );
  return ntp;
}

describe("ADJ_OFFSET", () => {
  it.each([
    // status, given, ns taken
    ["µs", STA_PLL, 1_234n, 1_234_000n],
    ["µs", STA_PLL, -1_234n, -1_234_000n],
    ["µs", STA_PLL, 500_001n, 500_000_000n],
    ["µs", STA_PLL, 2n ** 63n - 1n, 500_000_000n],
    ["µs", STA_PLL, -(2n ** 63n), -500_000_000n],
    ["ns", PLL_NANO, 1_234n, 1_234n],
    ["ns", PLL_NANO, 499_999_999n, 499_999_999n],
    ["ns", PLL_NANO, 500_000_001n, 500_000_000n],
    ["ns", PLL_NANO, -(2n ** 63n), -500_000_000n],
  ])("in %s (status %i) of %s is taken as %s ns", (_unit, status, given, takenNs) => {
    const ntp = offset(loop(status), given, 0n);
    // Toward zero to 2^−32 ns a tick.
    expect(ntp.timeOffset).toBe(takenNs < 0n ? -((-takenNs << 32n) / 250n) : (takenNs << 32n) / 250n);
  });

  it("does nothing without STA_PLL", () => {
    const before = loop(STA_NANO | STA_MODE);
    expect(offset(loop(STA_NANO | STA_MODE), 1_000_000n, 5_000n).state()).toEqual(before.state());
  });

  it("replaces what is left of the last one, and moves the tick by the frequency only", () => {
    const ntp = offset(loop(PLL_NANO, 2, { timeOffset: "123456789" }), 1_000n, 16n);
    expect(ntp.timeOffset).toBe((1_000n << 32n) / 250n);
    // 1000 ns · 16 s / 2^12: 3.9 ns/s.
    expect(ntp.timeFreq).toBe((1_000n * 16n) << 20n);
    expect(ntp.tickLength).toBe(ntp.tickLengthBase);
    expect(ntp.tickLengthBase).toBe((10n ** 9n * 2n ** 32n + ntp.timeFreq) / 250n);
    expect(ntp.timeReftime).toBe(REFTIME + 16n);
  });
});

describe("the phase-locked term", () => {
  it.each([
    // time constant, seconds, phase ns → frequency ns/s × 2^32
    [0, 1n, 1n, 2n ** 24n],
    [0, 8n, 1n, 2n ** 27n],
    [0, 9n, 1n, 2n ** 27n], // longest interval 2^(3+tc) s
    [2, 32n, 1n, 2n ** 25n],
    [2, 33n, 1n, 2n ** 25n],
    [4, 128n, -1n, -(2n ** 23n)],
    [6, 200n, 5n, 1_000n * 2n ** 12n],
    [10, 2_048n, 1n, 2n ** 15n],
    [10, 8_192n, -3n, -3n * 2n ** 17n],
    [2, 0n, 7n, 0n],
    [2, -1n, 7n, -7n * 2n ** 20n], // stepped back: the opposite correction
    // −2000 s · 5·10^8 ns << 24 is −1.68·10^19: as an s64 +1.67·10^18, and clamped.
    [0, -2_000n, 500_000_000n, MAXFREQ_SCALED],
  ])("at time constant %i after %s s corrects for %s ns by %s", (timeConstant, secs, phaseNs, timeFreq) => {
    // A long interval is the frequency-locked term's, too, from 2049 s on.
    const ntp = loop(PLL_NANO, timeConstant);
    const frequencyLocked = secs > 2_048n ? (phaseNs << 30n) / secs : 0n;
    expect(offset(ntp, phaseNs, secs).timeFreq).toBe(timeFreq + frequencyLocked);
  });

  it.each([
    [400_000_000n, 8n, "0", MAXFREQ_SCALED],
    [-400_000_000n, 8n, "0", -MAXFREQ_SCALED],
    [100n, 8n, String(MAXFREQ_SCALED), MAXFREQ_SCALED],
    [-1n, 1n, String(MAXFREQ_SCALED), MAXFREQ_SCALED - 2n ** 24n],
  ])(
    "of %s ns after %s s keeps the frequency (%s before) within ±500 ppm: %s",
    (phaseNs, secs, before, after) => {
      expect(offset(loop(PLL_NANO, 0, { timeFreq: before }), phaseNs, secs).timeFreq).toBe(after);
    },
  );
});

describe("the frequency-locked term", () => {
  it.each([
    [PLL_NANO, 255n, false],
    [PLL_NANO, 256n, false],
    [PLL_NANO, 2_048n, false],
    [PLL_NANO, 2_049n, true],
    [PLL_FLL_NANO, 255n, false],
    [PLL_FLL_NANO, 256n, true],
    [PLL_FLL_NANO, 2_048n, true],
    [PLL_FLL_NANO, -300n, false],
  ])("(status %i) after %s s applies: %s, and STA_MODE tells", (status, secs, applies) => {
    const phaseNs = -1_000n;
    const ntp = offset(loop(status | STA_MODE, 10), phaseNs, secs);
    const phaseLocked = (phaseNs * secs) << 4n;
    // A quarter of the offset per second of the interval, toward zero.
    const frequencyLocked = applies ? -((1_000n << 30n) / secs) : 0n;
    expect(ntp.timeFreq).toBe(phaseLocked + frequencyLocked);
    expect(ntp.timeStatus).toBe(applies ? status | STA_MODE : status);
  });

  it("is off with STA_FREQHOLD, as is the phase-locked one: the phase is slewed, the frequency stays", () => {
    const ntp = offset(
      loop(PLL_FLL_NANO | STA_FREQHOLD | STA_MODE, 3, { timeFreq: "12345" }),
      9_000n,
      4_000n,
    );
    expect([ntp.timeFreq, ntp.timeReftime]).toEqual([12_345n, REFTIME + 4_000n]);
    expect(ntp.timeOffset).toBe((9_000n << 32n) / 250n);
    expect(ntp.timeStatus).toBe(PLL_FLL_NANO | STA_FREQHOLD);
  });
});
