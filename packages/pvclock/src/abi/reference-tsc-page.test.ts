import { guestTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeReferenceTscPage,
  encodeReferenceTscPage,
  readCycles,
  readReferenceTsc,
  readReferenceTscSteps,
  referenceTscParameters,
  type VcpuTimeInfo,
  writeReferenceTscPage,
  writeReferenceTscPageSteps,
} from "../index.js";

const U64_MAX = 2n ** 64n - 1n;

const CLOCK: VcpuTimeInfo = {
  version: 2,
  tscTimestamp: 0n,
  systemTime: 0n,
  tscToSystemMul: 3435973836,
  tscShift: -1,
  flags: 1,
};

describe("the parameters of a reference TSC page", () => {
  it.each([
    ["2.5 GHz", 3435973836, -1, 0x10624dd2e147ae1n],
    ["2.5 GHz behind a floored frequency", 3435975211, -1, 0x10624e40e147ae1n],
    ["2 GHz", 2 ** 31, 0, 0x147ae147ae147aen],
  ])("have the scale of %s", (_title, tscToSystemMul, tscShift, scale) => {
    expect(referenceTscParameters({ ...CLOCK, tscToSystemMul, tscShift })?.scale).toBe(scale);
  });

  it("do not exist without bit 0", () => {
    expect(referenceTscParameters({ ...CLOCK, flags: 2 })).toBeUndefined();
  });

  it.each([
    ["any multiplier at shift 6", 6, 2 ** 32 - 1, true],
    ["the largest multiplier below 100 · 2^25 at shift 7", 7, 3355443199, true],
    ["not 100 · 2^25 itself", 7, 3355443200, false],
    ["at shift 31 nothing from 200 on", 31, 200, false],
    ["at shift 31 anything below", 31, 199, true],
    ["anything at shift −32", -32, 2 ** 32 - 1, true],
  ])("fit %s", (_title, tscShift, tscToSystemMul, fits) => {
    expect(referenceTscParameters({ ...CLOCK, tscShift, tscToSystemMul }) !== undefined).toBe(fits);
  });

  it("have an offset that is negative when the TSC started before the clock, floored in each part", () => {
    const { offset } =
      referenceTscParameters({ ...CLOCK, tscTimestamp: 2_500_000_000n, systemTime: 199n }) ?? {};
    // 2.5e9 cycles are 9 999 999.99… units, floored; 199 ns are 1 unit.
    expect(offset).toBe(1n - 9_999_999n);
  });

  it("give the clock of the structure to one unit and a flooring of the scale", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 52n }),
        fc.bigInt({ min: 0n, max: 2n ** 62n }),
        fc.bigInt({ min: 0n, max: 2n ** 50n }),
        (tscTimestamp, systemTime, elapsed) => {
          const info = { ...CLOCK, tscTimestamp, systemTime };
          const page = new Uint8Array(24);
          const parameters = referenceTscParameters(info);
          if (parameters === undefined) throw new Error("bit 0 is set and the scale fits");
          writeReferenceTscPage(page, parameters);
          const tsc = guestTsc(tscTimestamp + elapsed);
          const units = readReferenceTsc(page, () => tsc)?.time ?? 0n;
          const exact = readCycles(info, tsc) / 100n;
          // Each of three floors loses less than a unit; the scale's floor is 2^-56 of the elapsed time, below one unit here.
          expect(units - exact >= -2n && units - exact <= 2n).toBe(true);
        },
      ),
    );
  });
});

describe("the reference TSC page", () => {
  it("comes back from its bytes, at 0, 8 and 16", () => {
    expect([
      ...encodeReferenceTscPage({ sequence: 0x04030201, scale: 0x0807060504030201n, offset: -2n }),
    ]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 254, 255, 255, 255, 255, 255, 255, 255]);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.bigInt({ min: 0n, max: U64_MAX }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (sequence, scale, offset) => {
          const page = { sequence, scale, offset };
          expect(decodeReferenceTscPage(encodeReferenceTscPage(page))).toEqual(page);
        },
      ),
    );
  });

  it.each([
    [0, 1],
    [1, 2],
    [7, 8],
    [2 ** 32 - 3, 2 ** 32 - 2],
    [2 ** 32 - 2, 1],
    [2 ** 32 - 1, 1],
  ])("follows sequence %i by %i", (found, expected) => {
    const page = encodeReferenceTscPage({ sequence: found, scale: 0n, offset: 0n });
    expect(writeReferenceTscPage(page, { scale: 1n, offset: 1n }).sequence).toBe(expected);
    expect(decodeReferenceTscPage(page)).toEqual({ sequence: expected, scale: 1n, offset: 1n });
  });

  it("sends a guest that looks while it is written to the MSR", () => {
    const page = encodeReferenceTscPage({ sequence: 1, scale: 2n ** 63n, offset: 0n });
    const seen = [];
    for (const _ of writeReferenceTscPageSteps(page, { scale: 2n ** 62n, offset: -1n })) {
      seen.push(readReferenceTsc(page, () => guestTsc(400n))?.time);
    }
    expect(seen).toEqual([undefined, undefined, undefined, undefined, undefined, undefined, 99n]);
  });

  it("is read as one update at every interleaving, or not at all", () => {
    const updates = [1n, 2n, 3n].map((n) => ({
      scale: n * 0x1000_0001_0000_0001n,
      offset: n * 0x10_0000_0001n,
    }));
    const tsc = guestTsc(2n ** 40n);
    const expected = updates.map(({ scale, offset }) => ((2n ** 40n * scale) >> 64n) + offset);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 }), (schedule) => {
        const page = new Uint8Array(24);
        const [first, ...later] = updates.map((update) => writeReferenceTscPageSteps(page, update));
        for (const _ of first ?? []);
        const host = (function* () {
          for (const steps of later) yield* steps;
        })();
        const reader = readReferenceTscSteps(page, () => tsc);
        for (let load = 0; ; load++) {
          for (let stores = schedule[load] ?? 1; stores > 0; stores--) host.next();
          const step = reader.next();
          if (!step.done) continue;
          if (step.value !== undefined) expect(expected).toContain(step.value.time);
          return;
        }
      }),
    );
  });

  it("gives a time that wraps at 64 bits", () => {
    const page = encodeReferenceTscPage({ sequence: 1, scale: 2n ** 63n, offset: -11n });
    expect(readReferenceTsc(page, () => guestTsc(20n))?.time).toBe(U64_MAX);
  });
});
