import { APIC_LVTT, APIC_SPIV, APIC_TDCR, APIC_TMCCT, APIC_TMICT, x2apicMsr } from "@chronovisor/lapic";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Mismatch } from "../replay.js";
import { LiveApic } from "./live-apic.js";
import type { Interval } from "./live-count.js";
import { LiveTimeline, type OperationKind } from "./live-timeline.js";

const X2APIC_BOOT_PROCESSOR = 0xfee0_0d00n;
const DIVIDE_BY_1 = 0xb;
const DIVIDE_BY_2 = 0x0;
const DIVIDE_BY_16 = 0x3;
const PERIODIC = 0x2_0000;
const RESERVED = 0x6_0000;
const VECTOR = 0x31;

const setup = { apicBase: X2APIC_BOOT_PROCESSOR };
const write =
  (offset: number, value: number) =>
  ({ apic }: LiveApic): "ok" | "fault" =>
    apic.wrmsr(x2apicMsr(offset), BigInt(value));
const readCount = ({ apic }: LiveApic): bigint | undefined => apic.rdmsr(x2apicMsr(APIC_TMCCT));

/** A timeline whose operations and reads are a line each. */
class Recording {
  readonly timeline = new LiveTimeline(setup);

  constructor() {
    this.timeline.perform(write(APIC_SPIV, 0x1ff));
  }
  write(offset: number, value: number, min: bigint, max: bigint): void {
    const kind: OperationKind = offset === APIC_TMICT ? "start" : "other";
    this.timeline.operate({ min, max }, kind, write(offset, value));
  }
  read(value: bigint, min: bigint, max: bigint): Mismatch | undefined {
    return this.timeline.judgeCount({ column: "tmcct", bracket: { min, max }, value, read: readCount });
  }
}

/** At ÷1, started somewhere in 10 µs. */
function started(lvtt: number, tmict: number): Recording {
  const recording = new Recording();
  recording.write(APIC_TDCR, DIVIDE_BY_1, 0n, 0n);
  recording.write(APIC_LVTT, lvtt, 0n, 0n);
  recording.write(APIC_TMICT, tmict, 1_000n, 11_000n);
  return recording;
}

describe("a read", () => {
  it("may lie anywhere in what the start leaves open, and no further", () => {
    // Started at 1 … 11 µs, read at 100 … 101 µs: 900 000 … 911 000 are left.
    for (const value of [900_000n, 905_000n, 911_000n]) {
      expect(started(VECTOR, 1_000_000).read(value, 100_000n, 101_000n)).toBeUndefined();
    }
    for (const value of [899_999n, 911_001n]) {
      expect(started(VECTOR, 1_000_000).read(value, 100_000n, 101_000n)).toBeDefined();
    }
  });

  it("narrows what the next may be, across many periods too", () => {
    const recording = started(PERIODIC | VECTOR, 1_000_000);
    expect(recording.read(905_000n, 100_000n, 100_100n)).toBeUndefined();
    expect(recording.read(905_101n, 50_100_000n, 50_100_000n)).toBeDefined();
    expect(recording.read(905_050n, 50_100_000n, 50_100_000n)).toBeUndefined();
    // Now known to the nanosecond.
    expect(recording.read(805_049n, 60_200_000n, 60_200_000n)).toBeDefined();
    expect(recording.read(805_050n, 60_200_000n, 60_200_000n)).toBeUndefined();
  });
});

describe("a divide change", () => {
  it("stretches what is known by the ratio, and adds what it leaves open itself", () => {
    const recording = started(VECTOR, 1_000_000);
    expect(recording.read(900_000n, 105_000n, 105_000n)).toBeUndefined();
    // At 205 … 206 µs there are 800 000 … 799 000 ns left, 16 times as much afterwards: it ends 15 µs earlier the later it is.
    recording.write(APIC_TDCR, DIVIDE_BY_16, 205_000n, 206_000n);
    const end = 205_000n + 16n * 800_000n;
    const at = (ns: bigint): bigint => (end - ns) / 16n;
    expect(recording.read(at(405_000n) + 1n, 405_000n, 405_000n)).toBeDefined();
    expect(recording.read(at(405_000n) - 939n, 405_000n, 405_000n)).toBeDefined();
    expect(recording.read(at(405_000n) - 930n, 405_000n, 405_000n)).toBeUndefined();
  });

  it("that meets an expiry leaves two outcomes, until the next initial count", () => {
    const recording = started(PERIODIC | VECTOR, 1_000_000);
    recording.write(APIC_TDCR, DIVIDE_BY_2, 1_050_000n, 1_055_000n);
    expect(recording.read(12_345n, 1_100_000n, 1_101_000n)).toBeUndefined();
    recording.write(APIC_TMICT, 1_000_000, 1_200_000n, 1_201_000n);
    expect(recording.read(12_345n, 1_300_000n, 1_301_000n)).toBeDefined();
    expect(recording.read(950_000n, 1_300_000n, 1_301_000n)).toBeUndefined();
  });

  it("well after an expiry leaves one", () => {
    const recording = started(PERIODIC | VECTOR, 1_000_000);
    recording.write(APIC_TDCR, DIVIDE_BY_2, 1_150_000n, 1_155_000n);
    expect(recording.read(12_345n, 1_300_000n, 1_301_000n)).toBeDefined();
  });
});

describe("a write that leaves the count alone", () => {
  it.each([
    ["a vector and a mask", PERIODIC | 0x1_0041],
    ["the same again", PERIODIC | VECTOR],
  ])("%s: an expiry it meets is no doubt", (_title, lvtt) => {
    const recording = started(PERIODIC | VECTOR, 1_000_000);
    recording.write(APIC_LVTT, lvtt, 1_004_000n, 1_006_000n);
    expect(recording.read(12_345n, 1_200_000n, 1_201_000n)).toBeDefined();
    expect(recording.read(805_000n, 1_200_000n, 1_201_000n)).toBeUndefined();
  });

  it("an initial count in mode 3, which counts on to the old end", () => {
    const recording = started(VECTOR, 1_000_000);
    recording.write(APIC_LVTT, RESERVED | VECTOR, 200_000n, 201_000n);
    recording.write(APIC_TMICT, 500, 300_000n, 301_000n);
    expect(recording.read(605_000n, 400_000n, 401_000n)).toBeUndefined();
    expect(recording.read(0n, 2_000_000n, 2_001_000n)).toBeUndefined();
  });
});

describe("what an APIC did at instants nobody knows", () => {
  const step = fc.record({
    gap: fc.bigInt({ min: 1_000n, max: 700_000n }),
    width: fc.bigInt({ min: 300n, max: 20_000n }),
    /** Where in the bracket the clock was sampled, in 1/1000. */
    where: fc.bigInt({ min: 0n, max: 1000n }),
    action: fc.oneof(
      { weight: 4, arbitrary: fc.constant("read" as const) },
      fc.record({ offset: fc.constant(APIC_TMICT), value: fc.nat(1_000_000) }),
      fc.record({ offset: fc.constant(APIC_TDCR), value: fc.nat(15) }),
      fc.record({
        offset: fc.constant(APIC_LVTT),
        value: fc.constantFrom(VECTOR, PERIODIC | VECTOR, RESERVED | VECTOR, 0x4_0031, 0x1_0031),
      }),
    ),
  });

  it("is explained, read by read", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const kernel = new LiveApic(setup);
        write(APIC_SPIV, 0x1ff)(kernel);
        const recording = new Recording();
        let now = 0n;
        for (const { gap, width, where, action } of steps) {
          const bracket: Interval = { min: now + gap, max: now + gap + width };
          now = bracket.max;
          kernel.advanceTo(bracket.min + (width * where) / 1000n);
          if (action === "read") {
            const value = readCount(kernel) ?? -1n;
            expect(recording.read(value, bracket.min, bracket.max)).toBeUndefined();
          } else {
            write(action.offset, action.value)(kernel);
            recording.write(action.offset, action.value, bracket.min, bracket.max);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
