import { describe, expect, it } from "vitest";
import { ADJ_FREQUENCY, ADJ_TICK, NtpState, Timekeeper, type Timex } from "../index.js";

/** 2.5 GHz as the kernel registers it (docs/model/clocksource-tsc §2.3). */
const TSC = {
  mask: 2n ** 64n - 1n,
  mult: 6710886,
  shift: 24,
  maxadj: 738197,
  maxCycles: 2476377840562n,
  maxRawDelta: 16140901064495857661n,
};
const TICKS = 5000;
/** cycle_interval at 250 Hz. */
const TICK_CYCLES = 10_000_001n;

function fresh(at: { cycles: bigint }): Timekeeper {
  return new Timekeeper({ clocksource: TSC, hz: 250, read: () => at.cycles });
}

/** 5000 ticks: how many left the multiplier at which value, and MONOTONIC − RAW after the last. */
function run(host: Timekeeper, at: { cycles: bigint }, cycles: bigint) {
  const duty: Record<number, number> = {};
  for (let tick = 1; tick <= TICKS; tick++) {
    at.cycles = BigInt(tick) * cycles;
    host.tick();
    const { monoMult } = host.rate();
    duty[monoMult] = (duty[monoMult] ?? 0) + 1;
  }
  return { duty, aheadNs: host.monotonicNs() - host.rawNs() };
}

/** The request has reached NTP, but the timekeeper hears of it at its next tick. */
function requested(timex: Timex, at: { cycles: bigint }): Timekeeper {
  const ntp = new NtpState({ hz: 250 });
  ntp.adjtimex(timex, { xtimeSec: 0n, realtime: { sec: 0n, nsec: 0n }, taiOffsetSec: 0 });
  return Timekeeper.fromState({ ...fresh(at).state(), ntp: ntp.state() }, { read: () => at.cycles });
}

const ppm = (value: bigint): Timex => ({ modes: ADJ_FREQUENCY, freq: value << 16n });
const tick = (usec: bigint): Timex => ({ modes: ADJ_TICK, tick: usec });

describe("5000 ticks of 250 Hz at 2.5 GHz", () => {
  it.each<[string, Timex, Record<number, number>, bigint]>([
    ["0 ppm", ppm(0n), { 6710886: 5000 }, 0n],
    ["+500 ppm", ppm(500n), { 6714241: 2785, 6714242: 2215 }, 10_000_000n],
    ["−500 ppm", ppm(-500n), { 6707530: 2214, 6707531: 2786 }, -9_999_999n],
    ["+100 ppm", ppm(100n), { 6711557: 4557, 6711558: 443 }, 2_000_000n],
    ["−100 ppm", ppm(-100n), { 6710214: 442, 6710215: 4558 }, -2_000_000n],
    ["+10 ppm", ppm(10n), { 6710953: 4455, 6710954: 545 }, 200_001n],
    ["a tick of 10833 µs", tick(10_833n), { 7269902: 1093, 7269903: 3907 }, 1_666_000_000n],
    ["a tick of 9167 µs", tick(9_167n), { 6151869: 3906, 6151870: 1094 }, -1_666_000_000n],
    ["a tick of 11000 µs", tick(11_000n), { 7381974: 2135, 7381975: 2865 }, 2_000_000_000n],
  ])("hold the rate asked for by moving the multiplier between two values: %s", (_, timex, duty, aheadNs) => {
    const at = { cycles: 0n };
    const host = fresh(at);
    host.adjtimex(timex);
    expect(run(host, at, TICK_CYCLES)).toEqual({ duty, aheadNs });
    expect(host.rawNs()).toBe(20_000_000_807n);
  });

  it("run one tick unsteered when the rate waits for the tick", () => {
    const at = { cycles: 0n };
    const host = requested(ppm(500n), at);
    expect(run(host, at, TICK_CYCLES)).toEqual({
      duty: { 6714241: 2786, 6714242: 2214 },
      aheadNs: 9_998_000n,
    });
  });

  it("never catch up 341 ns when ticks come one cycle short of the interval", () => {
    const at = { cycles: 0n };
    const host = requested(ppm(500n), at);
    const { duty, aheadNs } = run(host, at, TICK_CYCLES - 1n);
    expect(duty).toEqual({ 6710886: 1, 6714241: 1, 6714242: 4998 });
    expect(aheadNs).toBe(9_997_659n);
    // The first tick accumulated nothing, the second left 9 999 999 cycles over: ntp_error +2000 ns, 341 ns of it left.
    expect(BigInt(host.state().ntpError) >> 32n).toBe(341n);
  });

  it("have no error at all to steer when NTP asks for nothing", () => {
    const at = { cycles: 0n };
    const host = fresh(at);
    run(host, at, TICK_CYCLES);
    expect(host.state()).toMatchObject({ mult: 6710886, ntpError: "0", ntpErrMult: 0 });
  });
});

describe("a new frequency", () => {
  it("takes effect in the adjtimex call, at any point of a tick", () => {
    const at = { cycles: 4_321_987n };
    const host = fresh({ cycles: 0n });
    const late = Timekeeper.fromState(host.state(), { read: () => at.cycles });
    const before = late.monotonicNs();
    late.adjtimex(ppm(500n));
    expect(late.rate().monoMult).toBe(6714241);
    expect(late.monotonicNs()).toBe(before);
    at.cycles += 2_500_000n;
    expect(late.monotonicNs() - before).toBe(1_000_500n);
  });

  it("is taken back by the same call with 0, without a jump", () => {
    const at = { cycles: 0n };
    const host = fresh(at);
    host.adjtimex(ppm(500n));
    run(host, at, TICK_CYCLES);
    const ahead = host.monotonicNs() - host.rawNs();
    host.adjtimex(ppm(0n));
    expect(host.monotonicNs() - host.rawNs()).toBe(ahead);
    expect(host.rate().monoMult - host.state().ntpErrMult).toBe(6710886);
  });
});

describe("the warnings of steering", () => {
  it("come once each, and hold nothing back: beyond maxadj", () => {
    const warnings: string[] = [];
    const at = { cycles: 0n };
    const clocksource = { ...TSC, maxadj: 1000 };
    const events = { onWarning: (kind: string) => warnings.push(kind) };
    const host = new Timekeeper({ clocksource, hz: 250, read: () => at.cycles, events });
    host.adjtimex(ppm(100n));
    expect(warnings).toEqual([]);
    host.adjtimex(ppm(500n));
    host.adjtimex(ppm(-500n));
    expect(warnings).toEqual(["mult-beyond-maxadj"]);
    expect(host.rate().monoMult).toBe(6707530);
  });

  it("stay away for a clocksource without a maxadj", () => {
    const warnings: string[] = [];
    const clocksource = { ...TSC, maxadj: 0 };
    const events = { onWarning: (kind: string) => warnings.push(kind) };
    const host = new Timekeeper({ clocksource, hz: 250, read: () => 0n, events });
    host.adjtimex(tick(11_000n));
    expect(warnings).toEqual([]);
  });

  it("come once each: a multiplier that would leave 32 bits is not applied", () => {
    const warnings: string[] = [];
    // Cycles of just under 1 ns in units of 2^−32 ns: 32 bits have no room above.
    const clocksource = { ...TSC, mult: 2 ** 32 - 1, shift: 32, maxadj: 0 };
    const events = { onWarning: (kind: string) => warnings.push(kind) };
    const host = new Timekeeper({ clocksource, hz: 250, read: () => 0n, events });
    host.adjtimex(ppm(500n));
    host.adjtimex(ppm(400n));
    expect(warnings).toEqual(["mult-wrap"]);
    expect(host.rate().monoMult).toBe(2 ** 32 - 1);
  });
});
