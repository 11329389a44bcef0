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
};
