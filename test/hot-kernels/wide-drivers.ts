import {
  cyc2nsBatch,
  cyc2nsInto,
  mulU64U32ShrBatch,
  mulU64U32ShrInto,
  mulU64U64ShrBatch,
  mulU64U64ShrInto,
  pvScaleBatch,
  pvScaleInto,
  scaleTscBatch,
  scaleTscInto,
} from "../../packages/clocksource/src/index.js";
import { drive, input, LENGTH, output } from "./drive.js";
import { pvScaled } from "./pv-scaled.js";

const MUL64 = 0xd55555555555n;
const MUL32 = 3435973836;

/** clocksource's functions. */
export const WIDE_DRIVERS: Readonly<Record<string, () => void>> = {
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
};
