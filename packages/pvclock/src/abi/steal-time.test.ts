import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeStealTime,
  encodeStealTime,
  readStealTime,
  recordStealTime,
  recordStealTimeSteps,
  type StealTime,
} from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const PREEMPTED = 1;
const FLUSH_TLB = 2;

const stealTime: fc.Arbitrary<StealTime> = fc.record({
  steal: fc.bigInt({ min: 0n, max: U64_MAX }),
  version: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  flags: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  preempted: fc.integer({ min: 0, max: 255 }),
});

describe("steal time", () => {
  it("has steal, version, flags and preempted at 0, 8, 12 and 16 of 64 bytes", () => {
    const bytes = encodeStealTime({
      steal: 0x0807060504030201n,
      version: 0x0c0b0a09,
      flags: 0x100f0e0d,
      preempted: 17,
    });
    expect([...bytes]).toEqual(Array.from({ length: 64 }, (_, i) => (i < 17 ? i + 1 : 0)));
  });

  it("comes back from its bytes", () => {
    fc.assert(
      fc.property(stealTime, (time) => {
        expect(decodeStealTime(encodeStealTime(time))).toEqual(time);
      }),
    );
  });

  it("adds the wait to what guest memory holds, mod 2^64, and says that the vCPU runs", () => {
    fc.assert(
      fc.property(stealTime, fc.bigInt({ min: 0n, max: U64_MAX }), (time, waited) => {
        const area = encodeStealTime(time);
        const recorded = recordStealTime(area, waited);
        expect(recorded).toEqual({
          steal: (time.steal + waited) % 2n ** 64n,
          version: (time.version + (time.version % 2 === 0 ? 2 : 3)) % 2 ** 32,
          flags: time.flags,
          preempted: 0,
        });
        expect(decodeStealTime(area)).toEqual(recorded);
      }),
    );
  });

  it("clears preempted before it opens the version", () => {
    const area = encodeStealTime({ steal: 0n, version: 2, flags: 0, preempted: PREEMPTED | FLUSH_TLB });
    const steps = recordStealTimeSteps(area, 5n);
    expect(steps.next().value).toEqual({ offset: 16, store: "preempted" });
    expect(decodeStealTime(area)).toEqual({ steal: 0n, version: 2, flags: 0, preempted: 0 });
  });

  it("is never read half added", () => {
    const area = encodeStealTime({ steal: 2n ** 32n - 1n, version: 2, flags: 0, preempted: 0 });
    const seen = [];
    for (const _ of recordStealTimeSteps(area, 1n)) seen.push(readStealTime(area));
    expect(seen).toEqual([2n ** 32n - 1n, undefined, undefined, undefined, 2n ** 32n]);
  });
});
