import { type hostTsc, ScaledTsc } from "../../packages/clocksource/src/index.js";
import { drive, input, LENGTH, output } from "./drive.js";
import { pvScaled } from "./pv-scaled.js";

const MUL64 = 0xd55555555555n;

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

/** A guest's counter. */
export const SCALED_TSC_DRIVERS: Readonly<Record<string, () => void>> = {
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
