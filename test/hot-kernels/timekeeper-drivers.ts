import { ADJ_FREQUENCY, ADJ_TICK, Timekeeper } from "../../packages/timekeeper/src/index.js";
import { drive, input, LENGTH, output } from "./drive.js";

/** A counter of so many bits that has counted a second, 500 ppm fast: reads behind its last tick, near and far from it. */
function host(bits: bigint, shift: number): Timekeeper {
  let counter = 0n;
  const clocksource = {
    mask: 2n ** bits - 1n,
    mult: shift === 0 ? 3 : 6710886,
    shift,
    maxadj: 0,
    maxCycles: 2n ** 41n,
    maxRawDelta: 7n * 2n ** (bits - 3n),
  };
  const timekeeper = new Timekeeper({ clocksource, hz: 250, read: () => counter });
  timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
  for (let tick = 0; tick < 250; tick++) {
    counter += 10_000_001n;
    timekeeper.tick();
  }
  return timekeeper;
}

const HOSTS: readonly Timekeeper[] = [host(64n, 24), host(40n, 24), host(64n, 32), host(64n, 0)];

/** What a host's clock reads, in plain BigInt. */
function reading(timekeeper: Timekeeper, clock: "mono" | "raw"): (cycles: bigint) => bigint {
  const { cycleLast, mask, maxCycles, shift, [clock]: base } = timekeeper.bases();
  return (cycles) => {
    const delta = (cycles - cycleLast) & mask;
    const isBack = delta > maxCycles && delta > mask >> 1n;
    const sum = (isBack ? 0n : delta * BigInt(base.mult)) + base.xtimeNsec;
    const kept = delta <= maxCycles ? BigInt.asUintN(64, sum) : sum;
    return BigInt.asUintN(64, kept >> BigInt(shift)) + base.baseNs;
  };
}

/** A host whose counter reads the slot of `input` that `at` points to. */
function readingInput(timekeeper: Timekeeper, at: { index: number }): Timekeeper {
  return Timekeeper.fromState(timekeeper.state(), { read: () => input[at.index] as bigint });
}

/** 100 000 ticks, early and late by turns, the multiplier moving up and down, against the sums of the model. */
function driveTicks(tickUsec: bigint): void {
  const cyclesPerTick = 10_000_001n;
  const secondShifted = 1_000_000_000n << 24n;
  const remainder = (4_000_000n << 24n) - cyclesPerTick * 6710886n;
  let counter = 0n;
  const rates = { mult: 6710886, shift: 24, maxadj: 0, maxCycles: 2n ** 41n, maxRawDelta: 7n * 2n ** 61n };
  const clocksource = { ...rates, mask: 2n ** 64n - 1n };
  const timekeeper = new Timekeeper({ clocksource, hz: 250, read: () => counter });
  timekeeper.adjtimex({ modes: ADJ_TICK, tick: tickUsec });
  const { tickLength } = timekeeper.ntp;
  const slow = ((tickLength >> 8n) - remainder) / cyclesPerTick;
  let [last, mult, xtime, error] = [0n, slow, 0n, 0n];
  for (let tick = 0; tick < 100_000; tick++) {
    counter += cyclesPerTick + (tick & 1 ? -3_000_000n : 3_000_000n);
    timekeeper.tick();
    if (counter - last >= cyclesPerTick) {
      last += cyclesPerTick;
      xtime += cyclesPerTick * mult;
      error += tickLength - ((cyclesPerTick * mult + remainder) << 8n);
      const next = slow + (error > 0n ? 1n : 0n);
      xtime -= (next - mult) * (counter - last);
      error += ((next - mult) * (counter - last)) << 8n;
      mult = next;
    }
    if (tick % 97 !== 0) continue;
    const state = timekeeper.state();
    const got = [state.cycleLast, state.mult, state.xtimeNsec, state.xtimeSec, state.ntpError].join();
    const expected = [last, mult, xtime % secondShifted, xtime / secondShifted, error].join();
    if (got !== expected) throw new Error(`tick ${tick} of ${tickUsec} us: got ${got}, expected ${expected}`);
  }
}

function driveCounterReads(clock: "mono" | "raw", read: (timekeeper: Timekeeper) => bigint): void {
  const at = { index: 0 };
  for (const start of HOSTS) {
    const timekeeper = readingInput(start, at);
    drive(
      clock,
      () => {
        for (at.index = 0; at.index < LENGTH; at.index++) output[at.index] = read(timekeeper);
      },
      reading(start, clock),
    );
  }
  // All hosts at one call site, shifted by a caller who knows nothing of the ways inside.
  const hosts = HOSTS.map((start) => readingInput(start, at));
  for (let i = 0; i < 200_000; i++) {
    at.index = i % LENGTH;
    const ns = read(hosts[i % hosts.length] as Timekeeper);
    output[at.index] = BigInt.asUintN(64, ns >> 5n);
  }
}

/** A host's clocks. */
export const TIMEKEEPER_DRIVERS: Readonly<Record<string, () => void>> = {
  "ClockReadings.monotonicInto"() {
    for (const timekeeper of HOSTS) {
      drive(
        "monotonicInto",
        () => {
          for (let i = 0; i < LENGTH; i++) timekeeper.monotonicInto(output, i, input[i] as bigint);
        },
        reading(timekeeper, "mono"),
      );
    }
  },
  "ClockReadings.monotonicBatch"() {
    for (const timekeeper of HOSTS) {
      drive("monotonicBatch", () => timekeeper.monotonicBatch(output, input), reading(timekeeper, "mono"));
    }
  },
  "ClockReadings.rawInto"() {
    for (const timekeeper of HOSTS) {
      drive(
        "rawInto",
        () => {
          for (let i = 0; i < LENGTH; i++) timekeeper.rawInto(output, i, input[i] as bigint);
        },
        reading(timekeeper, "raw"),
      );
    }
  },
  "ClockReadings.rawBatch"() {
    for (const timekeeper of HOSTS) {
      drive("rawBatch", () => timekeeper.rawBatch(output, input), reading(timekeeper, "raw"));
    }
  },
  "ClockReadings.monotonicNs"() {
    driveCounterReads("mono", (timekeeper) => timekeeper.monotonicNs());
  },
  "ClockReadings.rawNs"() {
    driveCounterReads("raw", (timekeeper) => timekeeper.rawNs());
  },
  "Timekeeper.tick"() {
    for (const tickUsec of [10_000n, 10_833n, 9_167n, 9_999n]) driveTicks(tickUsec);
  },
};
