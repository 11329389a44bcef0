import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TraceTextOrder } from "./record-order.js";
import type { TraceTextRecord } from "./text-record.js";

const record = (time: bigint, line: number, vector = BigInt(line)): TraceTextRecord => ({
  comm: "CPU 0/KVM",
  pid: 1,
  cpu: 0,
  time,
  resolution: "us",
  line,
  event: "kvm_eoi",
  dialect: "kernel",
  fields: { apicId: 0n, vector },
});

function ordered(records: readonly TraceTextRecord[], capacity?: number) {
  const out: TraceTextRecord[] = [];
  const order = new TraceTextOrder((taken) => out.push(taken), capacity);
  for (const each of records) order.add(each);
  const before = out.length;
  order.end();
  return { out, before, summary: order.summary() };
}

describe("TraceTextOrder", () => {
  it("is a stable sort by time as long as nothing is further from its place than the capacity", () => {
    const times = fc.array(fc.bigInt(0n, 20n), { maxLength: 50 });
    fc.assert(
      fc.property(times, (all) => {
        const records = all.map((time, line) => record(time, line));
        const expected = [...records].sort((a, b) => Number(a.time - b.time));
        expect(ordered(records, 50)).toEqual({
          out: expected,
          before: 0,
          summary: { duplicates: 0, outOfOrder: 0 },
        });
      }),
    );
  });

  it("hands on every record once whatever the capacity, and holds no more than it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt(0n, 100n), { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (all, capacity) => {
          const { out, before } = ordered(
            all.map((time, line) => record(time, line)),
            capacity,
          );
          expect(out.map(({ line }) => line).sort((a, b) => a - b)).toEqual(all.map((_, line) => line));
          expect(before).toBeGreaterThanOrEqual(all.length - capacity);
        },
      ),
    );
  });

  it("hands on at once what comes too late, and counts it", () => {
    const { out, summary } = ordered([record(5n, 1), record(6n, 2), record(7n, 3), record(1n, 4)], 2);
    expect(out.map(({ line }) => line)).toEqual([1, 4, 2, 3]);
    expect(summary).toEqual({ duplicates: 0, outOfOrder: 1 });
  });

  it("drops a record that repeats the one it is put after, to the instant, and no other", () => {
    const { out, summary } = ordered([
      record(5n, 1, 236n),
      record(6n, 2, 236n),
      record(6n, 3, 237n),
      record(6n, 4, 236n),
      record(5n, 5, 236n),
      record(6n, 6, 236n),
    ]);
    expect(out.map(({ line }) => line)).toEqual([1, 2, 3, 4]);
    expect(summary).toEqual({ duplicates: 2, outOfOrder: 0 });
  });

  it.each([0, 2 ** 20 + 1, 1.5])("refuses a capacity of %s", (capacity) => {
    expect(() => new TraceTextOrder(() => {}, capacity)).toThrow(
      new RangeError(`TraceTextOrder: expected a capacity from 1 to 1048576, got ${capacity}`),
    );
  });
});
