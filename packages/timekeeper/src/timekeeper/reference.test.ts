import { clocksourceMask, registerClocksource } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ADJ_FREQUENCY,
  ADJ_NANO,
  ADJ_OFFSET,
  ADJ_OFFSET_SINGLESHOT,
  ADJ_STATUS,
  ADJ_TICK,
  NtpState,
  readClocks,
  STA_INS,
  STA_PLL,
  Timekeeper,
  type TimekeeperClocksource,
  type Timex,
} from "../index.js";

const BILLION = 1_000_000_000n;
const signed = (value: bigint) => BigInt.asIntN(64, value);
const modulo = (value: bigint, by: bigint) => ((value % by) + by) % by;

/**
 * The timekeeper written for clearness: whole clocks in one number each, ticks one by one, every product in full. Only NTP's
 * tick length comes from the package.
 */
class NaiveTimekeeper {
  readonly ntp: NtpState;
  /** CLOCK_REALTIME, CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW at `last`, in 2^−shift ns. */
  real: bigint;
  mono = 0n;
  raw = 0n;
  /** Seconds of REALTIME that NTP has worked for. */
  seconds: bigint;
  skipNext = false;
  last: bigint;
  mult: bigint;
  extra = 0n;
  error = 0n;
  tickLength: bigint;
  readonly tickCycles: bigint;
  readonly remainder: bigint;
  readonly errorUnit: bigint;
  readonly perSecond: bigint;

  constructor(
    readonly source: TimekeeperClocksource,
    hz: number,
    start: bigint,
    seconds: bigint,
  ) {
    const perNs = 2n ** BigInt(source.shift);
    const tick = (BILLION / BigInt(hz)) * perNs;
    this.ntp = new NtpState({ hz });
    this.perSecond = BILLION * perNs;
    this.errorUnit = 2n ** 32n / perNs;
    this.mult = BigInt(source.mult);
    // To nearest, an exact half upward for an even multiplier only: floor(mult / 2) is added.
    const cycles = (tick + this.mult / 2n) / this.mult;
    this.tickCycles = cycles > 0n ? cycles : 1n;
    this.remainder = tick - this.tickCycles * this.mult;
    this.tickLength = tick * this.errorUnit;
    this.last = start;
    this.seconds = seconds;
    this.real = seconds * this.perSecond;
  }

  /** Cycles since the last tick; none for a counter that went back by an eighth or less. */
  cyclesTo(counter: bigint): bigint {
    const gone = modulo(counter - this.last, this.source.mask + 1n);
    return gone > this.source.maxRawDelta ? 0n : gone;
  }

  tick(counter: bigint, evenEarly: "even-early" | "when-due" = "when-due"): void {
    let gone = this.cyclesTo(counter);
    if (gone < this.tickCycles && evenEarly === "when-due") return;
    for (; gone >= this.tickCycles; gone -= this.tickCycles) this.#accumulateOne();
    const wasExtra = this.extra;
    const isBehind = this.error > 0n;
    const wanted = this.ntp.tickLength / this.errorUnit - this.remainder;
    const kept = this.tickLength === this.ntp.tickLength;
    const target = (kept ? this.mult - wasExtra : wanted / this.tickCycles) + (isBehind ? 1n : 0n);
    this.extra = isBehind ? 1n : 0n;
    this.tickLength = this.ntp.tickLength;
    const moved = (target - this.mult) * gone;
    this.mult = target;
    this.real -= moved;
    this.mono -= moved;
    this.error = signed(this.error + moved * this.errorUnit);
    if (this.real < this.seconds * this.perSecond) {
      this.seconds -= 1n;
      this.skipNext = true;
    }
    this.#passSeconds();
  }

  #accumulateOne(): void {
    this.last = BigInt.asUintN(64, this.last + this.tickCycles);
    this.real += this.tickCycles * this.mult;
    this.mono += this.tickCycles * this.mult;
    this.raw += this.tickCycles * BigInt(this.source.mult);
    this.#passSeconds();
    const got = (this.tickCycles * this.mult + this.remainder) * this.errorUnit;
    this.error = signed(this.error + this.tickLength - got);
  }

  #passSeconds(): void {
    while (this.real >= (this.seconds + 1n) * this.perSecond) {
      this.seconds += 1n;
      if (this.skipNext) {
        this.skipNext = false;
        continue;
      }
      const leap = BigInt(this.ntp.secondOverflow(this.seconds));
      this.seconds += leap;
      this.real += leap * this.perSecond;
    }
  }

  adjtimex(timex: Timex, counter: bigint): void {
    const clock = { xtimeSec: this.seconds, realtime: { sec: this.seconds, nsec: 0n }, taiOffsetSec: 0 };
    this.ntp.adjtimex(timex, clock);
    if (timex.modes & (ADJ_FREQUENCY | ADJ_TICK)) this.tick(counter, "even-early");
  }
}

const counters = fc.oneof(
  fc.constantFrom(2_500_000, 2_400_000, 3_000_000, 1_000_000, 1, 2, 7, 100),
  fc.integer({ min: 1_000, max: 5_000_000 }),
);

const registered = fc
  .record({ freq: counters, bits: fc.constantFrom(32, 40, 56, 63, 64) })
  .map(({ freq, bits }): TimekeeperClocksource => {
    const mask = clocksourceMask(bits);
    return { ...registerClocksource({ scale: 1000, freq, mask, watchdogMaxSkewNs: 125_000 }), mask };
  });

/** Counters with a multiplier of their own: coarse and fine, each shift. */
const selfDefined = fc
  .record({ mult: fc.integer({ min: 20, max: 2 ** 31 }), shift: fc.integer({ min: 0, max: 32 }) })
  .filter(({ mult, shift }) => mult / 2 ** shift < 10_000 && mult / 2 ** shift > 0.01)
  .map(({ mult, shift }): TimekeeperClocksource => {
    const mask = clocksourceMask(64);
    const rates = registerClocksource({ scale: 1, freq: 0, mask, mult, shift, watchdogMaxSkewNs: 125_000 });
    return { ...rates, mask };
  });

const hosts = fc.record({
  clocksource: fc.oneof(registered, selfDefined),
  hz: fc.constantFrom(12, 100, 250, 300, 1000, 3000),
  start: fc.bigInt({ min: 0n, max: 2n ** 48n }),
  // Near midnight, so that leap seconds come.
  realtimeSec: fc.bigInt({ min: 19_999n * 86_400n - 20n, max: 19_999n * 86_400n + 5n }),
});

const requests = fc.oneof(
  fc.bigInt({ min: -500n << 16n, max: 500n << 16n }).map((freq): Timex => ({ modes: ADJ_FREQUENCY, freq })),
  fc.bigInt({ min: 9_000n, max: 11_000n }).map((tick): Timex => ({ modes: ADJ_TICK, tick })),
  fc
    .bigInt({ min: -500_000_000n, max: 500_000_000n })
    .map((offset): Timex => ({ modes: ADJ_STATUS | ADJ_NANO | ADJ_OFFSET, status: STA_PLL, offset })),
  fc.bigInt({ min: -3000n, max: 3000n }).map((offset): Timex => ({ modes: ADJ_OFFSET_SINGLESHOT, offset })),
  fc.constant<Timex>({ modes: ADJ_STATUS, status: STA_INS }),
);

/** A gap in hundredths of a tick, or a request; now and then the counter steps back a little. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 60, max: 140 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 60_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -50, max: 0 }) },
    { weight: 3, arbitrary: requests },
  ),
  { minLength: 1, maxLength: 60 },
);

type Step = number | Timex;

/** Takes both through the steps, and calls `check` after each. */
function drive(
  { clocksource, hz, start, realtimeSec }: typeof hosts extends fc.Arbitrary<infer H> ? H : never,
  script: readonly Step[],
  check: (host: Timekeeper, naive: NaiveTimekeeper, counter: bigint) => void,
): void {
  let counter = start & clocksource.mask;
  const realtimeNs = realtimeSec * BILLION;
  const host = new Timekeeper({ clocksource, hz, read: () => counter, realtimeNs });
  const naive = new NaiveTimekeeper(clocksource, hz, counter, realtimeSec);
  for (const step of script) {
    if (typeof step === "number") {
      const cycles = (BigInt(step) * naive.tickCycles) / 100n;
      counter = BigInt.asUintN(64, counter + cycles) & clocksource.mask;
      host.tick();
      naive.tick(counter);
    } else {
      host.adjtimex(step);
      naive.adjtimex(step, counter);
    }
    check(host, naive, counter);
  }
}

describe("a timekeeper", () => {
  it("accumulates in powers of two, and by the fast tick, what a tick-by-tick model accumulates one by one", () => {
    fc.assert(
      fc.property(hosts, steps, (options, script) => {
        drive(options, script, (host, naive) => {
          const { perSecond } = naive;
          const got = host.state();
          expect({
            cycleLast: BigInt(got.cycleLast),
            mult: BigInt(got.mult),
            real: BigInt(got.xtimeSec) * perSecond + BigInt(got.xtimeNsec),
            raw: BigInt(got.rawSec) * perSecond + BigInt(got.rawNsec),
            ntpError: BigInt(got.ntpError),
            seconds: BigInt(got.xtimeSec),
            tickLength: host.ntp.tickLength,
          }).toEqual({
            cycleLast: naive.last,
            mult: naive.mult,
            real: naive.real,
            raw: naive.raw,
            ntpError: naive.error,
            seconds: naive.seconds,
            tickLength: naive.ntp.tickLength,
          });
        });
      }),
    );
  });

  it("reads every clock as the naive totals and the pure function say, and the fractions go on from there", () => {
    fc.assert(
      fc.property(hosts, steps, fc.bigInt({ min: 0n, max: 2n ** 20n }), (options, script, later) => {
        drive(options, script, (host, naive, counter) => {
          const { shift, mask, maxCycles, mult } = naive.source;
          const at = BigInt.asUintN(64, counter + later) & mask;
          const gone = modulo(at - naive.last, mask + 1n);
          fc.pre(gone <= maxCycles);
          const monotonic = (naive.mono + gone * naive.mult) >> BigInt(shift);
          expect(host.monotonicAt(at)).toBe(monotonic);
          expect(host.rawAt(at)).toBe((naive.raw + gone * BigInt(mult)) >> BigInt(shift));
          expect(host.realtimeAt(at)).toBe((naive.real + gone * naive.mult) >> BigInt(shift));
          expect(host.boottimeAt(at)).toBe(monotonic);
          expect(readClocks(host.bases(), at, "safe")).toEqual({
            monotonicNs: host.monotonicAt(at),
            rawNs: host.rawAt(at),
            boottimeNs: host.boottimeAt(at),
            realtimeNs: host.realtimeAt(at),
            taiNs: host.taiAt(at),
          });
        });
      }),
    );
  });

  it("never moves CLOCK_MONOTONIC or RAW at the instant of a tick or an adjtimex, leap seconds included", () => {
    fc.assert(
      fc.property(hosts, steps, (options, script) => {
        let counter = options.start & options.clocksource.mask;
        const realtimeNs = options.realtimeSec * BILLION;
        const host = new Timekeeper({ ...options, read: () => counter, realtimeNs });
        const tickCycles =
          (BILLION << BigInt(options.clocksource.shift)) / BigInt(options.hz * options.clocksource.mult);
        // Beyond, a read wraps at 64 bits as the kernel's does: a second of remainder does not fit above the product. And
        // what is over half the counter ahead looks behind, to reads and ticks at different points.
        const { mult, maxadj, shift, mask } = options.clocksource;
        const holds = (2n ** 64n - (BILLION << BigInt(shift))) / BigInt(mult + maxadj);
        const farthest = (holds < mask >> 1n ? holds : mask >> 1n) - tickCycles;
        for (const step of script) {
          if (typeof step === "number" && step > 0) {
            const cycles = (BigInt(step) * tickCycles) / 100n;
            const moved = cycles < farthest ? cycles : farthest > 0n ? farthest : 0n;
            counter = BigInt.asUintN(64, counter + moved) & options.clocksource.mask;
          }
          const before = [host.monotonicNs(), host.rawNs(), host.boottimeNs(), host.taiNs()];
          if (typeof step === "number") host.tick();
          else host.adjtimex(step);
          expect([host.monotonicNs(), host.rawNs(), host.boottimeNs(), host.taiNs()]).toEqual(before);
        }
      }),
    );
  });

  it("never lets NTP touch CLOCK_MONOTONIC_RAW: it is the counter's own product, floored", () => {
    fc.assert(
      fc.property(hosts, steps, (options, script) => {
        let passed = 0n;
        const first = options.start & options.clocksource.mask;
        const read = () => BigInt.asUintN(64, first + passed) & options.clocksource.mask;
        const host = new Timekeeper({ ...options, read });
        const { mult, shift } = options.clocksource;
        for (const step of script) {
          if (typeof step === "number" && step > 0) passed += BigInt(step) * 1000n;
          else if (typeof step === "object") host.adjtimex(step);
          host.tick();
          expect(host.rawNs()).toBe((passed * BigInt(mult)) >> BigInt(shift));
        }
      }),
    );
  });

  it("finds the first counter value at which a clock reads an instant, as a search does", () => {
    const distances = fc.bigInt({ min: -2_000_000n, max: 50_000_000n });
    fc.assert(
      fc.property(hosts, steps, distances, (options, script, ahead) => {
        fc.pre(options.clocksource.mask === 2n ** 64n - 1n);
        drive(options, script, (host) => {
          const from = host.bases().cycleLast;
          for (const [reads, finds] of [
            [(at: bigint) => host.monotonicAt(at), (ns: bigint) => host.monotonicCounterAt(ns)],
            [(at: bigint) => host.rawAt(at), (ns: bigint) => host.rawCounterAt(ns)],
          ] as const) {
            const ns = reads(from) + ahead;
            const found = finds(ns);
            expect(found).toBe(firstAt(from, (at) => reads(at) >= ns));
          }
        });
      }),
      { numRuns: 20 },
    );
  });
});

/** Bisects for the first counter value from `from` on that satisfies `holds`, which stays true once it is. */
function firstAt(from: bigint, holds: (at: bigint) => boolean): bigint {
  let [below, above] = [from - 1n, from + 2n ** 40n];
  while (above - below > 1n) {
    const middle = (below + above) / 2n;
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above;
}
