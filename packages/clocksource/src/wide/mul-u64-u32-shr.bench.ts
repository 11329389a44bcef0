import { bench, describe } from "vitest";
import { mulU64U32Shr, mulU64U32ShrBatch, mulU64U32ShrInto } from "../index.js";

/** Per iteration 1000 elements: a mean of 0.0047 ms is 4.7 ns per element. */
const LENGTH = 1000;
const input = BigUint64Array.from({ length: LENGTH }, (_, i) => BigInt(i) * 1_234_567_890_123n);
const values = [...input];
const out = new BigUint64Array(LENGTH);
const MULT = 6710886;

describe("(a · mul) >> 24, batches", () => {
  bench("mulU64U32ShrBatch", () => {
    mulU64U32ShrBatch(out, input, MULT, 24);
  });

  bench("mulU64U32ShrInto", () => {
    for (let i = 0; i < LENGTH; i++) mulU64U32ShrInto(out, i, input[i] as bigint, MULT, 24);
  });

  bench("plain BigInt", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = ((input[i] as bigint) * 6710886n) >> 24n;
  });
});

describe("(a · mul) >> 24, single calls", () => {
  bench("mulU64U32Shr", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = mulU64U32Shr(values[i] as bigint, MULT, 24);
  });

  bench("plain BigInt, wrapped once", () => {
    for (let i = 0; i < LENGTH; i++)
      out[i] = BigInt.asUintN(64, ((values[i] as bigint) * BigInt(MULT)) >> 24n);
  });
});
