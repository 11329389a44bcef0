/**
 * One driver per hot kernel: it runs the kernel far past the point where V8 optimises it and compares what comes out with
 * plain BigInt arithmetic. Runs inside a child process, because the failure it looks for is an abort of the process.
 */

import {
  cyc2nsBatch,
  cyc2nsInto,
  type hostTsc,
  mulU64U32ShrBatch,
  mulU64U32ShrInto,
  mulU64U64ShrBatch,
  mulU64U64ShrInto,
  pvScaleBatch,
  pvScaleInto,
  ScaledTsc,
  scaleTscBatch,
  scaleTscInto,
} from "../../packages/clocksource/src/index.js";
import { PvclockFormula } from "../../packages/pvclock/src/index.js";
import { ADJ_FREQUENCY, ADJ_TICK, Timekeeper } from "../../packages/timekeeper/src/index.js";

const LENGTH = 512;
const ROUNDS = 400;
/** Every so many rounds all results are compared; plain BigInt is some 20 times slower than what it checks. */
const CHECK_EVERY = 16;

const input = new BigUint64Array(LENGTH);
const output = new BigUint64Array(LENGTH);

/** xorshift64: the same numbers on every run. */
let seed = 0x9e3779b97f4a7c15n;
function nextU64(): bigint {
  seed ^= BigInt.asUintN(64, seed << 13n);
  seed ^= seed >> 7n;
  seed ^= BigInt.asUintN(64, seed << 17n);
  return seed;
}

const EDGES = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];

function refill(): void {
  for (let i = 0; i < LENGTH; i++) input[i] = EDGES[i] ?? nextU64() >> (nextU64() & 63n);
}

/** Runs `kernel` hot and compares every element now and then with `reference`. */
function drive(name: string, kernel: () => void, reference: (value: bigint) => bigint): void {
  for (let round = 0; round < ROUNDS; round++) {
    const checked = round % CHECK_EVERY === 0 || round === ROUNDS - 1;
    if (checked) refill();
    kernel();
    if (!checked) continue;
    for (let i = 0; i < LENGTH; i++) {
      const expected = BigInt.asUintN(64, reference(input[i] as bigint));
      if (output[i] !== expected) {
        throw new Error(`${name}: ${input[i]} gave ${output[i]}, expected ${expected} (round ${round})`);
      }
    }
  }
}

const MUL64 = 0xd55555555555n;
const MUL32 = 3435973836;

/** The kernel's formula, in plain BigInt. */
function pvScaled(delta: bigint, mul: number, shift: number): bigint {
  const shifted = shift < 0 ? delta >> BigInt(-shift) : BigInt.asUintN(64, delta << BigInt(shift));
  return (shifted * BigInt(mul)) >> 32n;
}

function vcpu(vendor: "vmx" | "svm", ratio: bigint): ScaledTsc {
  const tsc = new ScaledTsc(vendor, 2n ** 64n - 12345n);
  tsc.writeL1Ratio(ratio);
  tsc.writeNsScale({ mul: 2684354560, shift: 2 });
  return tsc;
}

const VCPUS: readonly [ScaledTsc, bigint, bigint][] = [
  [vcpu("vmx", 2n ** 48n), 2n ** 48n, 48n],
  [vcpu("vmx", MUL64), MUL64, 48n],
  [vcpu("svm", 0xd5555555n), 0xd5555555n, 32n],
];

const guest = (ratio: bigint, bits: bigint) => (value: bigint) =>
  ((value * ratio) >> bits) + 2n ** 64n - 12345n;

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

/** Guests' clocks: no pre-shift, both ways, and the shift that has no kernel of its own. */
const FORMULAS: readonly PvclockFormula[] = [-1, 0, 7, -32, -33].map(
  (tscShift) =>
    new PvclockFormula({
      tscTimestamp: 2n ** 40n + 1n,
      systemTime: 2n ** 64n - 12345n,
      tscToSystemMul: MUL32,
      tscShift,
    }),
);

/** What a guest's clock reads, in plain BigInt. */
function formulaReading({ reference }: PvclockFormula): (tsc: bigint) => bigint {
  const { tscTimestamp, systemTime, tscToSystemMul, tscShift } = reference;
  return (tsc) => systemTime + pvScaled(BigInt.asUintN(64, tsc - tscTimestamp), tscToSystemMul, tscShift);
}

/** Every hot export by name; a method by its class and name. */
export const DRIVERS: Readonly<Record<string, () => void>> = {
  mulU64U64ShrInto() {
    for (const shift of [0, 1, 31, 32, 33, 47, 48, 63, 64, 65, 96, 127]) {
      drive(
        `mulU64U64ShrInto >> ${shift}`,
        () => {
          for (let i = 0; i < LENGTH; i++) mulU64U64ShrInto(output, i, input[i] as bigint, MUL64, shift);
        },
        (value) => (value * MUL64) >> BigInt(shift),
      );
    }
    // All shifts through one call site, so that every branch of the inlined kernel merges there.
    for (let i = 0; i < 200_000; i++) {
      mulU64U64ShrInto(output, i % LENGTH, input[i % LENGTH] as bigint, MUL64, i & 127);
    }
  },
  mulU64U64ShrBatch() {
    for (const shift of [0, 1, 31, 32, 33, 48, 64, 127]) {
      drive(
        `mulU64U64ShrBatch >> ${shift}`,
        () => mulU64U64ShrBatch(output, input, 2n ** 64n - 1n, shift),
        (value) => (value * (2n ** 64n - 1n)) >> BigInt(shift),
      );
    }
  },
  mulU64U32ShrInto() {
    for (const shift of [0, 1, 24, 31, 32, 33, 64, 95, 127]) {
      drive(
        `mulU64U32ShrInto >> ${shift}`,
        () => {
          for (let i = 0; i < LENGTH; i++) mulU64U32ShrInto(output, i, input[i] as bigint, MUL32, shift);
        },
        (value) => (value * BigInt(MUL32)) >> BigInt(shift),
      );
    }
    for (let i = 0; i < 200_000; i++) {
      mulU64U32ShrInto(output, i % LENGTH, input[i % LENGTH] as bigint, i, i & 127);
    }
  },
  mulU64U32ShrBatch() {
    for (const shift of [0, 24, 32, 33, 95]) {
      drive(
        `mulU64U32ShrBatch >> ${shift}`,
        () => mulU64U32ShrBatch(output, input, 2 ** 32 - 1, shift),
        (value) => (value * (2n ** 32n - 1n)) >> BigInt(shift),
      );
    }
  },
  pvScaleInto() {
    for (const shift of [-63, -33, -32, -19, -1, 0, 1, 13, 63]) {
      drive(
        `pvScaleInto ${shift}`,
        () => {
          for (let i = 0; i < LENGTH; i++) pvScaleInto(output, i, input[i] as bigint, MUL32, shift);
        },
        (value) => pvScaled(value, MUL32, shift),
      );
    }
    for (let i = 0; i < 200_000; i++) {
      pvScaleInto(output, i % LENGTH, input[i % LENGTH] as bigint, MUL32, (i % 127) - 63);
    }
  },
  pvScaleBatch() {
    for (const shift of [-63, -33, -32, -1, 0, 2, 63]) {
      drive(
        `pvScaleBatch ${shift}`,
        () => pvScaleBatch(output, input, MUL32, shift),
        (value) => pvScaled(value, MUL32, shift),
      );
    }
  },
  cyc2nsInto() {
    for (const shift of [0, 1, 24, 31, 32, 33, 63]) {
      drive(
        `cyc2nsInto >> ${shift}`,
        () => {
          for (let i = 0; i < LENGTH; i++) cyc2nsInto(output, i, input[i] as bigint, MUL32, shift);
        },
        (value) => BigInt.asUintN(64, value * BigInt(MUL32)) >> BigInt(shift),
      );
    }
    for (let i = 0; i < 200_000; i++) {
      cyc2nsInto(output, i % LENGTH, input[i % LENGTH] as bigint, MUL32, i & 63);
    }
  },
  cyc2nsBatch() {
    for (const shift of [0, 24, 32, 33, 63]) {
      drive(
        `cyc2nsBatch >> ${shift}`,
        () => cyc2nsBatch(output, input, MUL32, shift),
        (value) => BigInt.asUintN(64, value * BigInt(MUL32)) >> BigInt(shift),
      );
    }
  },
  scaleTscInto() {
    for (const bits of [48, 32] as const) {
      drive(
        `scaleTscInto ${bits}`,
        () => {
          for (let i = 0; i < LENGTH; i++) scaleTscInto(output, i, input[i] as bigint, MUL64, bits);
        },
        (value) => (value * MUL64) >> BigInt(bits),
      );
    }
    for (let i = 0; i < 200_000; i++) {
      scaleTscInto(output, i % LENGTH, input[i % LENGTH] as bigint, MUL64, i & 1 ? 48 : 32);
    }
  },
  scaleTscBatch() {
    for (const bits of [48, 32] as const) {
      drive(
        `scaleTscBatch ${bits}`,
        () => scaleTscBatch(output, input, MUL64, bits),
        (value) => (value * MUL64) >> BigInt(bits),
      );
    }
  },
  "ScaledTsc.readL1"() {
    for (const [tsc, ratio, bits] of VCPUS) {
      drive(
        `readL1 ${bits}`,
        () => {
          for (let i = 0; i < LENGTH; i++)
            output[i] = tsc.readL1(input[i] as bigint as ReturnType<typeof hostTsc>);
        },
        guest(ratio, bits),
      );
    }
    // Three kinds of counter at one call site, shifted by a caller who knows nothing of the merge inside.
    for (let i = 0; i < 200_000; i++) {
      const [tsc] = VCPUS[i % 3] as (typeof VCPUS)[number];
      const value = tsc.readL1(input[i % LENGTH] as bigint as ReturnType<typeof hostTsc>);
      output[i % LENGTH] = BigInt.asUintN(64, value >> 5n);
    }
  },
  "ScaledTsc.readL1Into"() {
    for (const [tsc, ratio, bits] of VCPUS) {
      drive(
        `readL1Into ${bits}`,
        () => {
          for (let i = 0; i < LENGTH; i++) tsc.readL1Into(output, i, input[i] as bigint);
        },
        guest(ratio, bits),
      );
    }
  },
  "ScaledTsc.readL1Batch"() {
    for (const [tsc, ratio, bits] of VCPUS) {
      drive(`readL1Batch ${bits}`, () => tsc.readL1Batch(output, input), guest(ratio, bits));
    }
  },
  "ScaledTsc.nsToCycles"() {
    const [tsc] = VCPUS[0] as (typeof VCPUS)[number];
    drive(
      "nsToCycles",
      () => {
        for (let i = 0; i < LENGTH; i++) output[i] = tsc.nsToCycles(input[i] as bigint);
      },
      (value) => pvScaled(value, 2684354560, 2),
    );
    for (let i = 0; i < 200_000; i++) {
      output[i % LENGTH] = BigInt.asUintN(64, tsc.nsToCycles(input[i % LENGTH] as bigint) >> 5n);
    }
  },
  "ScaledTsc.nsToCyclesInto"() {
    const [tsc] = VCPUS[0] as (typeof VCPUS)[number];
    drive(
      "nsToCyclesInto",
      () => {
        for (let i = 0; i < LENGTH; i++) tsc.nsToCyclesInto(output, i, input[i] as bigint);
      },
      (value) => pvScaled(value, 2684354560, 2),
    );
  },
  "ScaledTsc.nsToCyclesBatch"() {
    const [tsc] = VCPUS[0] as (typeof VCPUS)[number];
    drive(
      "nsToCyclesBatch",
      () => tsc.nsToCyclesBatch(output, input),
      (value) => pvScaled(value, 2684354560, 2),
    );
  },
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
  "PvclockFormula.readInto"() {
    for (const formula of FORMULAS) {
      drive(
        "PvclockFormula.readInto",
        () => {
          for (let i = 0; i < LENGTH; i++) formula.readInto(output, i, input[i] as bigint);
        },
        formulaReading(formula),
      );
    }
    // All shifts at one call site, shifted by a caller who knows nothing of the branch inside.
    for (let i = 0; i < 200_000; i++) {
      const formula = FORMULAS[i % FORMULAS.length] as PvclockFormula;
      const ns = formula.read(input[i % LENGTH] as bigint as Parameters<typeof formula.read>[0]);
      output[i % LENGTH] = BigInt.asUintN(64, ns >> 5n);
    }
  },
  "PvclockFormula.readBatch"() {
    for (const formula of FORMULAS) {
      drive("PvclockFormula.readBatch", () => formula.readBatch(output, input), formulaReading(formula));
    }
  },
  "Timekeeper.tick"() {
    for (const tickUsec of [10_000n, 10_833n, 9_167n, 9_999n]) driveTicks(tickUsec);
  },
};

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
