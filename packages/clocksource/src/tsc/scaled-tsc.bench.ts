import { bench, describe } from "vitest";
import { type HostTsc, VcpuTsc } from "../index.js";

/** Per iteration 1000 elements: a mean of 0.0047 ms is 4.7 ns per element. */
const LENGTH = 1000;
const input = BigUint64Array.from({ length: LENGTH }, (_, i) => BigInt(i) * 1_234_567_890_123n);
const values = [...input];
const out = new BigUint64Array(LENGTH);
const unscaled = new VcpuTsc({ hostTscKhz: 2_500_000, vendor: "vmx", l1Offset: 12345n });
const scaled = new VcpuTsc({ hostTscKhz: 3_000_000, userTscKhz: 2_500_000, vendor: "vmx", l1Offset: 12345n });

/** The same two conversions as one would write them first. */
class PlainTsc {
  offset = 12345n;
  ratio = 0xd55555555555n;
  mul = 2684354560n;
  readL1(tsc: bigint): bigint {
    return BigInt.asUintN(64, this.offset + ((tsc * this.ratio) >> 48n));
  }
  nsToCycles(ns: bigint): bigint {
    return BigInt.asUintN(64, (BigInt.asUintN(64, ns << 2n) * this.mul) >> 32n);
  }
}
const plain = new PlainTsc();

describe("guest TSC read", () => {
  bench("readL1, not scaled", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = unscaled.readL1(values[i] as HostTsc);
  });

  bench("readL1, scaled", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = scaled.readL1(values[i] as HostTsc);
  });

  bench("readL1Batch, scaled", () => {
    scaled.readL1Batch(out, input);
  });

  bench("plain BigInt class, scaled", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = plain.readL1(values[i] as bigint);
  });
});

describe("nanoseconds to guest cycles", () => {
  bench("nsToCycles", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = scaled.nsToCycles(values[i] as bigint);
  });

  bench("nsToCyclesBatch", () => {
    scaled.nsToCyclesBatch(out, input);
  });

  bench("plain BigInt class", () => {
    for (let i = 0; i < LENGTH; i++) out[i] = plain.nsToCycles(values[i] as bigint);
  });
});
