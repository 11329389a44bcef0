import { bench, describe } from "vitest";
import { ADJ_FREQUENCY, Timekeeper } from "../index.js";

/** Per iteration 1000 calls: a mean of 0.030 ms is 30 ns per call. */
const LENGTH = 1000;
const CYCLES_PER_TICK = 10_000_001n;
const tsc = {
  mask: 2n ** 64n - 1n,
  mult: 6710886,
  shift: 24,
  maxadj: 738197,
  maxCycles: 2476377840562n,
  maxRawDelta: 16140901064495857661n,
};

let counter = 0n;
const read = () => counter;

/** A host whose clock NTP runs `ppm` fast; its multiplier moves up and down by one to hit it. */
function host(ppm: bigint): Timekeeper {
  const timekeeper = new Timekeeper({ clocksource: tsc, hz: 250, read });
  timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: ppm << 16n });
  return timekeeper;
}

const times = BigUint64Array.from({ length: LENGTH }, (_, i) => BigInt(i) * 9_973n);
const out = new BigUint64Array(LENGTH);

/** As one writes it first, with the fields of the kernel's structure. */
class PlainClock {
  cycleLast = 0n;
  readonly mask = tsc.mask;
  readonly maxCycles = tsc.maxCycles;
  readonly mult = 6714241n;
  readonly shift = 24n;
  readonly xtimeNsec = 1234n;
  readonly baseNs = 5_000_000_000n;

  monotonicNs(): bigint {
    const delta = (counter - this.cycleLast) & this.mask;
    if (delta > this.maxCycles) throw new RangeError("PlainClock: too far");
    return this.baseNs + ((delta * this.mult + this.xtimeNsec) >> this.shift);
  }
}

describe("clock reads", () => {
  const steered = host(500n);
  const plain = new PlainClock();

  bench("monotonicNs", () => {
    for (let i = 0; i < LENGTH; i++) {
      counter = times[i] as bigint;
      out[i] = steered.monotonicNs();
    }
  });

  bench("rawNs", () => {
    for (let i = 0; i < LENGTH; i++) {
      counter = times[i] as bigint;
      out[i] = steered.rawNs();
    }
  });

  bench("realtimeNs", () => {
    for (let i = 0; i < LENGTH; i++) {
      counter = times[i] as bigint;
      out[i] = steered.realtimeNs();
    }
  });

  bench("monotonicInto", () => {
    for (let i = 0; i < LENGTH; i++) steered.monotonicInto(out, i, times[i] as bigint);
  });

  bench("monotonicBatch", () => {
    steered.monotonicBatch(out, times);
  });

  bench("plain BigInt", () => {
    for (let i = 0; i < LENGTH; i++) {
      counter = times[i] as bigint;
      out[i] = plain.monotonicNs();
    }
  });

  bench("monotonicCounterAt", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = steered.monotonicCounterAt(times[i] as bigint);
  });
});

describe("ticks", () => {
  const ticks = (timekeeper: Timekeeper, cycles: bigint) => {
    let at = 0n;
    return () => {
      for (let i = 0; i < LENGTH; i++) {
        at += cycles;
        counter = at;
        timekeeper.tick();
      }
    };
  };

  bench("unsteered", ticks(host(0n), CYCLES_PER_TICK));
  bench("steered by 500 ppm: the multiplier moves up and down", ticks(host(500n), CYCLES_PER_TICK));
  bench("after an idle of 7 ticks each, in 3 steps", ticks(host(500n), 7n * CYCLES_PER_TICK));
  bench("nothing due: 100 calls a tick", ticks(host(500n), CYCLES_PER_TICK / 100n));
});
