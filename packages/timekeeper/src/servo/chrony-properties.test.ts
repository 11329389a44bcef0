import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactClock } from "../../test/exact-clock.js";
import { runServo } from "../../test/run-servo.js";
import { xorshift32 } from "../../test/xorshift.js";
import { ChronyServo, type ChronyServoOptions, ReferenceClock, type ServoSample } from "../index.js";

const MS = 1_000_000n;
const SECOND = 1_000_000_000n;
const POLL = 64n * SECOND;
const ONE = 65_536_000_000n;
const PPM = 65_536n;

interface World {
  readonly seed: number;
  readonly behindNs: bigint;
  readonly hardwarePpb: bigint;
  readonly referencePpb: number;
  readonly roundTripNs: bigint;
  readonly jitterNs: bigint;
}

const world: fc.Arbitrary<World> = fc.record({
  seed: fc.integer({ min: 1, max: 0xffff_ffff }),
  behindNs: fc.bigInt({ min: -20n * SECOND, max: 20n * SECOND }),
  // Together below the 500 ppm that the servo believes.
  hardwarePpb: fc.bigInt({ min: -300_000n, max: 300_000n }),
  referencePpb: fc.integer({ min: -100_000, max: 100_000 }),
  roundTripNs: fc.bigInt({ min: 0n, max: 100n * MS }),
  jitterNs: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 20n * MS })),
});

function create(w: World, options: Partial<ChronyServoOptions> = {}) {
  const clock = new ExactClock({ behindNs: w.behindNs, hardwarePpb: w.hardwarePpb });
  const trueNs = (): bigint => clock.trueNs;
  const random = xorshift32(w.seed);
  const { roundTripNs, jitterNs, referencePpb } = w;
  const reference = new ReferenceClock({ trueNs, roundTripNs, jitterNs, random, frequencyPpb: referencePpb });
  const all: ChronyServoOptions = { clock, reference, nowNs: trueNs, ...options };
  return { clock, reference, all, servo: new ChronyServo(all) };
}

function act(servo: ChronyServo, clock: ExactClock, times: number): void {
  for (let n = 0; n < times; n++) {
    clock.trueNs = servo.nextActionNs;
    servo.act();
  }
}

describe("a ChronyServo", () => {
  // A sample is off by j/2. The fit's height over 8 even samples weighs their errors by 1.5 in all, its slope by 0.38 a poll:
  // 0.94 j, and a few ns for readings in whole ns and a frequency in 2^-16 ppm.
  it("removes any offset and any drift but for the jitter", () => {
    fc.assert(
      fc.property(world, (w) => {
        const { clock, servo, reference } = create(w);
        runServo(servo, clock, 40n * POLL);
        for (let poll = 40n; poll < 44n; poll++) {
          for (const part of [2n, 30n, 63n]) {
            runServo(servo, clock, poll * POLL + part * SECOND);
            const offset = reference.realtimeNs() - clock.realtimeNs();
            expect((offset < 0n ? -offset : offset) <= w.jitterNs + 10n, `${offset} ns`).toBe(true);
          }
        }
      }),
    );
  });

  it("never steps after its limit, nor within its threshold", () => {
    const blow = fc.bigInt({ min: -3n * SECOND, max: 3n * SECOND });
    fc.assert(
      fc.property(world, fc.nat(5), fc.array(blow, { maxLength: 12 }), (w, limit, blows) => {
        const steps: { offsetNs: bigint; update: number }[] = [];
        const { clock, servo } = create(w, {
          makestep: { thresholdNs: SECOND, limit },
          events: { onStep: (offsetNs) => steps.push({ offsetNs, update: servo.updates }) },
        });
        for (const byNs of blows) {
          servo.poll();
          clock.trueNs += POLL;
          clock.set(byNs);
        }
        expect(steps.filter(({ update }) => update > limit)).toEqual([]);
        expect(steps.filter(({ offsetNs: o }) => o <= SECOND && o >= -SECOND)).toEqual([]);
      }),
    );
  });

  it("does the same again for the same seed", () => {
    fc.assert(
      fc.property(world, (w) => {
        const [first, second] = [create(w), create(w)];
        runServo(first.servo, first.clock, 12n * POLL);
        runServo(second.servo, second.clock, 12n * POLL);
        expect(second.clock.calls).toEqual(first.clock.calls);
        expect(second.servo.state()).toEqual(first.servo.state());
      }),
    );
  });

  it("does something else for another seed", () => {
    const w = { seed: 1, behindNs: 0n, hardwarePpb: 0n, referencePpb: 0, roundTripNs: 0n, jitterNs: MS };
    const [first, second] = [create(w), create({ ...w, seed: 2 })];
    runServo(first.servo, first.clock, 12n * POLL);
    runServo(second.servo, second.clock, 12n * POLL);
    expect(second.clock.calls).not.toEqual(first.clock.calls);
  });

  it("goes on from its state as if it had never stopped", () => {
    fc.assert(
      fc.property(world, fc.nat(30), (w, acts) => {
        const { clock, servo, all } = create(w, { makestep: { thresholdNs: 5n * SECOND, limit: 2 } });
        act(servo, clock, acts);
        const saved = JSON.parse(JSON.stringify(servo.state()));
        const restored = ChronyServo.fromState(saved, all);
        expect(restored.state()).toEqual(servo.state());
        expect(restored.slew).toEqual(servo.slew);
        expect(restored.nextActionNs).toBe(servo.nextActionNs);
        // The twin lives through the same in a world of its own, whose random source is as far.
        const twin = create(w, { makestep: { thresholdNs: 5n * SECOND, limit: 2 } });
        act(twin.servo, twin.clock, acts);
        expect(twin.servo.state()).toEqual(servo.state());
        runServo(restored, clock, clock.trueNs + 3n * POLL);
        runServo(twin.servo, twin.clock, clock.trueNs);
        expect(restored.state()).toEqual(twin.servo.state());
        expect([clock.tick, clock.freq, clock.realtimeNs()]).toEqual([
          twin.clock.tick,
          twin.clock.freq,
          twin.clock.realtimeNs(),
        ]);
      }),
    );
  });

  // Written the other way round: from the log of a finished run alone, every decision is worked out again from what the
  // clock would have shown unsteered, as fractions with one common denominator.
  it("decides as a naive servo would from the log", () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 3, max: 10 }), (w, samples) => {
        const log: { sample: ServoSample; tick: bigint; freq: bigint }[] = [];
        const taken: ServoSample[] = [];
        const { clock, servo } = create(w, { samples, events: { onSample: (sample) => taken.push(sample) } });
        const rates: { fromNs: bigint; rate: bigint }[] = [];
        while (taken.length < 14) {
          const before = taken.length;
          clock.trueNs = servo.nextActionNs;
          servo.act();
          const sample = taken.at(-1);
          if (taken.length > before && sample !== undefined)
            log.push({ sample, tick: clock.tick, freq: clock.freq });
          rates.push({ fromNs: clock.trueNs, rate: (clock.tick - 10_000n) * 100n * PPM + clock.freq });
        }
        const added = (atNs: bigint): bigint =>
          rates.reduce((sum, { fromNs, rate }, index) => {
            const endNs = rates[index + 1]?.fromNs ?? atNs;
            const untilNs = endNs < atNs ? endNs : atNs;
            return untilNs > fromNs ? sum + (untilNs - fromNs) * rate : sum;
          }, 0n);
        let base = 0n;
        log.forEach(({ sample, tick, freq }, index) => {
          const window = log.slice(0, index + 1).slice(-samples);
          const points = window.map(({ sample: s }) => ({ t: s.atNs, p: s.offsetNs * ONE + added(s.atNs) }));
          let offsetNs = sample.offsetNs;
          if (points.length >= 3) {
            const line = naiveLine(points);
            base = nearest(line.slopeTop, line.bottom);
            const top = line.heightTop - added(sample.atNs) * line.bottom;
            offsetNs = nearest(nearest(top, line.bottom), ONE);
          }
          const size = offsetNs < 0n ? -offsetNs : offsetNs;
          const spread = (size * ONE + SECOND - 1n) / SECOND;
          const wanted = spread < 5_461_333_311n ? spread : 5_461_333_311n;
          const rate = base + (offsetNs < 0n ? -wanted : wanted);
          expect((tick - 10_000n) * 100n * PPM + freq).toBe(rate);
        });
      }),
    );
  });
});

/** Slope and height at the last point over one denominator, from every pair of points. */
function naiveLine(points: readonly { t: bigint; p: bigint }[]) {
  let slopeTop = 0n;
  let bottom = 0n;
  for (const a of points) {
    for (const b of points) {
      slopeTop += (a.t - b.t) * (a.p - b.p);
      bottom += (a.t - b.t) * (a.t - b.t);
    }
  }
  const n = BigInt(points.length);
  const last = points.at(-1)?.t ?? 0n;
  const heightTop = points.reduce((sum, { t, p }) => sum + p * bottom + (last - t) * slopeTop, 0n);
  return { slopeTop: slopeTop * n, bottom: bottom * n, heightTop };
}

function nearest(top: bigint, bottom: bigint): bigint {
  const twice = top < 0n ? -2n * top : 2n * top;
  const size = (twice + bottom) / (2n * bottom);
  return top < 0n ? -size : size;
}
