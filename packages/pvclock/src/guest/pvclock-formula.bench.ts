import { guestTsc } from "@chronovisor/clocksource";
import { bench, describe } from "vitest";
import { PvclockFormula, readCycles } from "../index.js";

/** Per iteration 1000 readings: a mean of 0.0047 ms is 4.7 ns per reading. */
const LENGTH = 1000;
const REFERENCE = {
  tscTimestamp: 9_000_000_000_000n,
  systemTime: 3_600_000_000_000n,
  tscToSystemMul: 3435975211,
  tscShift: -1,
};
const input = BigUint64Array.from(
  { length: LENGTH },
  (_, i) => REFERENCE.tscTimestamp + BigInt(i) * 1_234_567_890_123n,
);
const values = Array.from(input, guestTsc);
const out = new BigUint64Array(LENGTH);
const formula = new PvclockFormula(REFERENCE);

const plain = (tsc: bigint) =>
  BigInt.asUintN(64, REFERENCE.systemTime + ((((tsc - REFERENCE.tscTimestamp) >> 1n) * 3435975211n) >> 32n));

describe("a guest's clock, into typed arrays", () => {
  bench("readBatch", () => {
    formula.readBatch(out, input);
  });

  bench("readInto", () => {
    for (let i = 0; i < LENGTH; i++) formula.readInto(out, i, input[i] as bigint);
  });

  bench("plain BigInt", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = plain(input[i] as bigint);
  });
});

describe("a guest's clock, single calls", () => {
  bench("read", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = formula.read(values[i] as (typeof values)[number]);
  });

  bench("readCycles", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = readCycles(REFERENCE, values[i] as (typeof values)[number]);
  });

  bench("plain BigInt", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = plain(values[i] as bigint);
  });
});
