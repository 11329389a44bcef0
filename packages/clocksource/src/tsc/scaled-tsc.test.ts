import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostTsc, ScaledTsc } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const vendor = fc.constantFrom("vmx" as const, "svm" as const);

function scaled(kind: "vmx" | "svm", ratio: bigint, offset: bigint): ScaledTsc {
  const tsc = new ScaledTsc(kind, offset);
  tsc.writeL1Ratio(ratio);
  return tsc;
}

describe("ScaledTsc reading", () => {
  it.each([
    ["adds the offset and wraps", 2n ** 48n, U64_MAX, 5n, 4n],
    ["scales first, then adds", 2n ** 47n, 100n, 7n, 103n],
    ["reads the offset alone at ratio 0", 0n, 9n, U64_MAX, 9n],
  ])("%s", (_title, ratio, offset, host, expected) => {
    expect(scaled("vmx", ratio, offset).readL1(hostTsc(host))).toBe(expected);
  });

  it("is offset plus floored product mod 2^64 in all three forms", () => {
    fc.assert(
      fc.property(vendor, u64, u64, fc.array(u64, { minLength: 1 }), (kind, ratio, offset, values) => {
        const tsc = scaled(kind, ratio, offset);
        const one = kind === "vmx" ? 2n ** 48n : 2n ** 32n;
        const expected = values.map((host) => ((host * ratio) / one + offset) % 2n ** 64n);
        expect(values.map((host) => tsc.readL1(hostTsc(host)))).toEqual(expected);
        const out = new BigUint64Array(values.length);
        tsc.readL1Batch(out, BigUint64Array.from(values));
        expect([...out]).toEqual(expected);
        out.fill(0n);
        values.forEach((host, i) => {
          tsc.readL1Into(out, i, host);
        });
        expect([...out]).toEqual(expected);
      }),
    );
  });

  it("reads every counter by its own constants when two are read in turn", () => {
    const [one, two] = [scaled("vmx", 2n ** 47n, 1n), scaled("svm", 2n ** 33n, 2n)];
    expect([one.readL1(hostTsc(10n)), two.readL1(hostTsc(10n)), one.readL1(hostTsc(20n))]).toEqual([
      6n,
      22n,
      11n,
    ]);
  });
});

describe("ScaledTsc nanoseconds to cycles", () => {
  it("gives 0 until a scale is set", () => {
    expect(new ScaledTsc("vmx", 0n).nsToCycles(U64_MAX)).toBe(0n);
  });

  it("is shift, product and floor in all three forms, for every scale a u32 kHz gives", () => {
    const scale = fc.record({
      mul: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      shift: fc.integer({ min: -32, max: 63 }),
    });
    fc.assert(
      fc.property(scale, fc.array(u64, { minLength: 1 }), ({ mul, shift }, values) => {
        const tsc = new ScaledTsc("vmx", 0n);
        tsc.writeNsScale({ mul, shift });
        const expected = values.map((ns) => {
          const shifted = shift < 0 ? ns / 2n ** BigInt(-shift) : (ns * 2n ** BigInt(shift)) % 2n ** 64n;
          return (shifted * BigInt(mul)) / 2n ** 32n;
        });
        expect(values.map((ns) => tsc.nsToCycles(ns))).toEqual(expected);
        const out = new BigUint64Array(values.length);
        tsc.nsToCyclesBatch(out, BigUint64Array.from(values));
        expect([...out]).toEqual(expected);
        out.fill(0n);
        values.forEach((ns, i) => {
          tsc.nsToCyclesInto(out, i, ns);
        });
        expect([...out]).toEqual(expected);
      }),
    );
  });

  it("takes a negative time as a huge unsigned one, as the kernel does", () => {
    const tsc = new ScaledTsc("vmx", 0n);
    tsc.writeNsScale({ mul: 2 ** 31, shift: 1 });
    expect(tsc.nsToCycles(-1n)).toBe(tsc.nsToCycles(U64_MAX));
    expect(tsc.nsToCycles(-1n)).toBe(2n ** 63n - 1n);
  });
});

describe("ScaledTsc offsets", () => {
  it("makes the counter read the target at the instant it was computed for", () => {
    fc.assert(
      fc.property(vendor, u64, u64, u64, (kind, ratio, target, host) => {
        const tsc = scaled(kind, ratio, 0n);
        tsc.writeL1Offset(tsc.offsetFor(target, hostTsc(host)));
        expect(tsc.readL1(hostTsc(host))).toBe(target);
      }),
    );
  });

  it("moves by guest cycles as they are and by host cycles scaled", () => {
    const tsc = scaled("vmx", 2n ** 47n, 100n);
    tsc.adjustGuest(-10n);
    expect(tsc.l1Offset).toBe(90n);
    tsc.adjustHost(10n);
    expect(tsc.l1Offset).toBe(95n);
  });

  it("scales a negative host adjustment as unsigned, as the kernel warns", () => {
    const tsc = scaled("vmx", 2n ** 47n, 0n);
    tsc.adjustHost(-2n);
    expect(tsc.l1Offset).toBe(2n ** 63n - 1n);
  });

  it("computes a guest TSC from a start, unsigned: an instant before it is far in the future", () => {
    const tsc = new ScaledTsc("vmx", 0n);
    tsc.writeNsScale({ mul: 2 ** 31, shift: 1 });
    expect(tsc.computeGuestTsc({ ns: 100n, write: 7n }, 150n)).toBe(57n);
    expect(tsc.computeGuestTsc({ ns: 100n, write: 7n }, 99n)).toBe(2n ** 63n + 6n);
  });

  it.each([
    [150n, 57n],
    [100n, 7n],
    [99n, 6n],
    [90n, 2n ** 64n - 3n],
    [101n + 2n ** 63n, 2n ** 63n + 8n],
  ])(
    "computes one for %i ns, 100 being the start, before it if the difference is signed: %i",
    (at, reads) => {
      const tsc = new ScaledTsc("vmx", 0n);
      tsc.writeNsScale({ mul: 2 ** 31, shift: 1 });
      expect(tsc.computeGuestTsc({ ns: 100n, write: 7n }, at, "signed")).toBe(reads);
    },
  );
});

describe("ScaledTsc state", () => {
  it("comes back and reads the same", () => {
    fc.assert(
      fc.property(
        vendor,
        u64,
        u64,
        u64,
        fc.integer({ min: -32, max: 63 }),
        (kind, ratio, offset, probe, shift) => {
          const tsc = scaled(kind, ratio, offset);
          tsc.writeNsScale({ mul: 2 ** 32 - 1, shift });
          const copy = ScaledTsc.fromState(JSON.parse(JSON.stringify(tsc.state())));
          expect(copy.state()).toEqual(tsc.state());
          expect(copy.readL1(hostTsc(probe))).toBe(tsc.readL1(hostTsc(probe)));
          expect(copy.nsToCycles(probe)).toBe(tsc.nsToCycles(probe));
        },
      ),
    );
  });
});

describe("ScaledTsc arguments", () => {
  const tsc = new ScaledTsc("vmx", 0n);
  it.each([
    ["ScaledTsc: expected vendor", () => new ScaledTsc("arm" as never, 0n)],
    ["ScaledTsc: expected l1Offset", () => new ScaledTsc("vmx", -1n)],
    ["ScaledTsc.readL1Into: expected index", () => tsc.readL1Into(new BigUint64Array(1), 1, 0n)],
    [
      "ScaledTsc.readL1Batch: expected out",
      () => tsc.readL1Batch(new BigUint64Array(1), new BigUint64Array(2)),
    ],
    ["ScaledTsc.nsToCyclesInto: expected index", () => tsc.nsToCyclesInto(new BigUint64Array(1), -1, 0n)],
    [
      "ScaledTsc.nsToCyclesBatch: expected input",
      () => tsc.nsToCyclesBatch(new BigUint64Array(1), [] as never),
    ],
    ["ScaledTsc.writeL1Ratio: expected ratio", () => tsc.writeL1Ratio(2n ** 64n)],
    ["ScaledTsc.writeL1Offset: expected offset", () => tsc.writeL1Offset(-1n)],
    ["ScaledTsc.writeNsScale: expected mul", () => tsc.writeNsScale({ mul: -1, shift: 0 })],
    ["ScaledTsc.writeNsScale: expected shift", () => tsc.writeNsScale({ mul: 1, shift: -33 })],
    ["ScaledTsc.offsetFor: expected target", () => tsc.offsetFor(-1n, hostTsc(0n))],
    ["ScaledTsc.offsetFor: expected tsc", () => tsc.offsetFor(0n, -1n as never)],
    ["ScaledTsc.adjustGuest: expected cycles", () => tsc.adjustGuest(2n ** 63n)],
    ["ScaledTsc.adjustHost: expected cycles", () => tsc.adjustHost(2n ** 63n)],
    ["ScaledTsc.computeGuestTsc: expected ns", () => tsc.computeGuestTsc({ ns: -1n, write: 0n }, 0n)],
    ["ScaledTsc.computeGuestTsc: expected write", () => tsc.computeGuestTsc({ ns: 0n, write: -1n }, 0n)],
    ["ScaledTsc.computeGuestTsc: expected kernelNs", () => tsc.computeGuestTsc({ ns: 0n, write: 0n }, -1n)],
    [
      "ScaledTsc.computeGuestTsc: expected delta",
      () => tsc.computeGuestTsc({ ns: 0n, write: 0n }, 0n, "any" as never),
    ],
  ])("%s …", (message, call) => {
    expect(call).toThrow(message);
  });
});
