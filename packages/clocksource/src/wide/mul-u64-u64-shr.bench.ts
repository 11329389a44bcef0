import { bench, describe } from "vitest";
import { mulU64U64Shr, mulU64U64ShrBatch, mulU64U64ShrInto } from "../index.js";

/** Per iteration 1000 elements: a mean of 0.0047 ms is 4.7 ns per element. */
const LENGTH = 1000;
const input = BigUint64Array.from({ length: LENGTH }, (_, i) => BigInt(i) * 1_234_567_890_123n);
const values = [...input];
const out = new BigUint64Array(LENGTH);
const RATIO = 0xd55555555555n;

describe("(a · b) >> 48, batches", () => {
  bench("mulU64U64ShrBatch", () => {
    mulU64U64ShrBatch(out, input, RATIO, 48);
  });

  bench("mulU64U64ShrInto", () => {
    for (let i = 0; i < LENGTH; i++) mulU64U64ShrInto(out, i, input[i] as bigint, RATIO, 48);
  });

  bench("plain BigInt", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = ((input[i] as bigint) * RATIO) >> 48n;
  });
});

describe("(a · b) >> 24, a shift with no kernel of its own", () => {
  bench("mulU64U64ShrBatch", () => {
    mulU64U64ShrBatch(out, input, RATIO, 24);
  });

  bench("plain BigInt", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = ((input[i] as bigint) * RATIO) >> 24n;
  });
});

describe("(a · b) >> 48, single calls", () => {
  bench("mulU64U64Shr", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = mulU64U64Shr(values[i] as bigint, RATIO, 48);
  });

  bench("plain BigInt, wrapped once", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = BigInt.asUintN(64, ((values[i] as bigint) * RATIO) >> 48n);
  });
});
