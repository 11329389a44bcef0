import { guestTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type GuestLoad,
  readCycles,
  readVcpuTimeInfo,
  readVcpuTimeInfoSteps,
  type TimeInfoReading,
  type TimeInfoUpdate,
  writeVcpuTimeInfo,
  writeVcpuTimeInfoSteps,
} from "../index.js";

/** Update `n` of a family in which no two share a field, nor half of one: any mix of two is no member. */
function member(n: number): TimeInfoUpdate {
  const both = BigInt(n + 1) * 0x1_0000_0001n;
  return {
    tscTimestamp: both,
    systemTime: both * 1000n,
    tscToSystemMul: 2 ** 31 + n,
    tscShift: (n % 31) - 15,
    flags: n % 2,
  };
}

/** Every byte of the family's fields, of one reading: which member it is of, or undefined for a mix. */
function memberOf(reading: TimeInfoReading, upTo: number): number | undefined {
  for (let n = 0; n <= upTo; n++) {
    if (reading.ns === readCycles(member(n), reading.tsc) && reading.flags === n % 2) return n;
  }
  return undefined;
}

/** A host that writes members 1 … `count`, one store per step. */
function* writer(area: Uint8Array, count: number): Generator<number, void, void> {
  for (let n = 1; n <= count; n++) {
    for (const _ of writeVcpuTimeInfoSteps(area, member(n), { hideTscStable: n % 3 === 0 && n % 2 === 0 }))
      yield n;
  }
}

/** Runs the reader, with the writer let in for `schedule[i]` stores before the reader's load i. */
function interleave<Result>(
  reader: Generator<unknown, Result, void>,
  host: Generator<unknown, void, void>,
  schedule: readonly number[],
): Result {
  for (let load = 0; ; load++) {
    for (let stores = schedule[load] ?? 1; stores > 0; stores--) host.next();
    const step = reader.next();
    if (step.done) return step.value;
  }
}

const tsc = guestTsc(2n ** 50n + 12345n);

describe("a guest's read while the host writes", () => {
  it("is of one update, with its own version, at every interleaving", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 60 }),
        (updates, schedule) => {
          const area = new Uint8Array(32);
          writeVcpuTimeInfo(area, member(0));
          const reading = interleave(
            readVcpuTimeInfoSteps(area, () => tsc),
            writer(area, updates),
            schedule,
          );
          const found = memberOf(reading, updates);
          expect(found).toBeDefined();
          expect(reading.version).toBe(2 * ((found ?? 0) + 1));
        },
      ),
    );
  });

  it("is of one update when the host is let in before any one load, for any number of stores", () => {
    for (let load = 0; load < 8; load++) {
      for (let stores = 0; stores <= 30; stores++) {
        const area = new Uint8Array(32);
        writeVcpuTimeInfo(area, member(0));
        const schedule = Array.from({ length: 8 }, (_, i) => (i === load ? stores : 0));
        const reading = interleave(
          readVcpuTimeInfoSteps(area, () => tsc),
          writer(area, 3),
          schedule,
        );
        expect(memberOf(reading, 3), `${stores} stores before load ${load}`).toBeDefined();
      }
    }
  });

  it("would be a mix without the version: the test above can fail", () => {
    const area = new Uint8Array(32);
    writeVcpuTimeInfo(area, member(0));
    const host = writer(area, 1);
    for (let stores = 0; stores < 4; stores++) host.next();
    // Half a tsc_timestamp is new: the words at 0, 4 and 8 are written, the one at 12 is not.
    const torn = new DataView(area.buffer).getBigUint64(8, true);
    expect(torn).toBe(0x1_0000_0002n);
    expect([member(0).tscTimestamp, member(1).tscTimestamp]).not.toContain(torn);
  });

  it("starts over when the version was odd at the start, though it never changed", () => {
    const area = new Uint8Array(32);
    const host = writer(area, 1);
    host.next();
    const attempts: number[] = [];
    const steps = readVcpuTimeInfoSteps(area, () => tsc);
    for (let load = 0; load < 15; load++) attempts.push((steps.next().value as GuestLoad).attempt);
    expect(attempts).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3]);
  });

  it("starts over when the host opened and closed an update in between, though the version is even again", () => {
    const area = new Uint8Array(32);
    writeVcpuTimeInfo(area, member(0));
    const steps = readVcpuTimeInfoSteps(area, () => tsc);
    steps.next();
    writeVcpuTimeInfo(area, member(1));
    let step = steps.next();
    while (!step.done) step = steps.next();
    expect(step.value).toMatchObject({ version: 4, attempts: 2, flags: 1 });
  });

  it("reads the TSC once per attempt, after the version", () => {
    const area = new Uint8Array(32);
    writeVcpuTimeInfo(area, member(0));
    let reads = 0;
    const rdtsc = () => {
      reads += 1;
      if (reads < 4) writeVcpuTimeInfo(area, member(reads));
      return guestTsc(tsc + BigInt(reads));
    };
    const reading = readVcpuTimeInfo(area, rdtsc);
    expect(reading).toMatchObject({ attempts: 4, version: 8, tsc: tsc + 4n });
    expect(reads).toBe(4);
    expect(reading?.ns).toBe(readCycles(member(3), guestTsc(tsc + 4n)));
  });

  it("takes versions up to the wrap", () => {
    const area = new Uint8Array(32);
    area.set([0xfc, 0xff, 0xff, 0xff]);
    writeVcpuTimeInfo(area, member(0));
    expect(readVcpuTimeInfo(area, () => tsc)).toMatchObject({ version: 2 ** 32 - 2, attempts: 1 });
    writeVcpuTimeInfo(area, member(1));
    expect(readVcpuTimeInfo(area, () => tsc)).toMatchObject({ version: 0, attempts: 1 });
  });

  it("is given up when nobody is there to close the update", () => {
    const area = new Uint8Array(32);
    area[0] = 1;
    expect(readVcpuTimeInfo(area, () => tsc)).toBeUndefined();
  });
});

describe("a shift that no host writes", () => {
  it.each([
    [64, 0],
    [127, 63],
    [-64, 0],
    [-65, -1],
    [-128, 0],
  ])("of %i shifts by %i, as the instruction does", (tscShift, executed) => {
    const area = new Uint8Array(32);
    const update = { ...member(4), tscShift };
    writeVcpuTimeInfo(area, update);
    expect(readVcpuTimeInfo(area, () => tsc)?.ns).toBe(readCycles({ ...update, tscShift: executed }, tsc));
  });
});
