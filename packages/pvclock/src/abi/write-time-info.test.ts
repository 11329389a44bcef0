import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeVcpuTimeInfo,
  encodeVcpuTimeInfo,
  retractTscStable,
  type TimeInfoUpdate,
  writeVcpuTimeInfo,
  writeVcpuTimeInfoSteps,
} from "../index.js";

const STABLE = 1;
const STOPPED = 2;
const FLAGS_OFFSET = 29;

const UPDATE: TimeInfoUpdate = {
  tscTimestamp: 0x1122334455667788n,
  systemTime: 0x99aabbccddeeff00n,
  tscToSystemMul: 3435973836,
  tscShift: -1,
  flags: STABLE,
};

/** An area with a version and flags in it. */
function areaWith(version: number, flags = 0): Uint8Array {
  return encodeVcpuTimeInfo({ ...UPDATE, tscTimestamp: 1n, systemTime: 2n, version, flags });
}

describe("the version after an update", () => {
  it.each([
    ["steps by two from an even one", 62702, 62704],
    ["steps by three from an odd one, which is left behind", 957, 960],
    ["is 2 in memory nobody wrote", 0, 2],
    ["is 4 from 1", 1, 4],
    ["wraps to 0 from the last even one", 2 ** 32 - 2, 0],
    ["wraps to 2 from the last odd one", 2 ** 32 - 1, 2],
  ])("%s", (_title, found, expected) => {
    const area = areaWith(found);
    expect(writeVcpuTimeInfo(area, UPDATE).version).toBe(expected);
    expect(decodeVcpuTimeInfo(area)).toEqual({ ...UPDATE, version: expected });
  });
});

describe("GUEST_STOPPED", () => {
  it.each([
    ["is kept while the guest has not cleared it", STOPPED, false, STABLE | STOPPED],
    ["is set on request", 0, true, STABLE | STOPPED],
    ["is neither kept nor set otherwise", STABLE | 4, false, STABLE],
  ])("%s", (_title, inGuest, guestStopped, expected) => {
    const area = areaWith(2, inGuest);
    expect(writeVcpuTimeInfo(area, UPDATE, { guestStopped }).flags).toBe(expected);
    expect(area[FLAGS_OFFSET]).toBe(expected);
  });

  it("is merged with what the guest has when the version goes odd, not earlier", () => {
    const area = areaWith(2, STOPPED);
    const steps = writeVcpuTimeInfoSteps(area, UPDATE);
    steps.next();
    area[FLAGS_OFFSET] = 0;
    expect([...steps].length).toBe(9);
    expect(area[FLAGS_OFFSET]).toBe(STABLE);
  });
});

describe("hiding bit 0", () => {
  it("clears it in the guest's copy and not in the host's", () => {
    const area = areaWith(2, STOPPED);
    const cached = writeVcpuTimeInfo(area, UPDATE, { hideTscStable: true });
    expect(cached.flags).toBe(STABLE | STOPPED);
    expect(area[FLAGS_OFFSET]).toBe(STOPPED);
  });

  it("happens while the version is odd", () => {
    const area = areaWith(2);
    const versions: number[] = [];
    const flags: number[] = [];
    for (const { store } of writeVcpuTimeInfoSteps(area, UPDATE, { hideTscStable: true })) {
      if (store === "flags") flags.push(area[FLAGS_OFFSET] ?? -1);
      versions.push(decodeVcpuTimeInfo(area).version);
    }
    expect(versions).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4]);
    expect(flags).toEqual([0]);
  });
});

describe("the steps of an update", () => {
  it("are the version, eight words from the first to the last, the version", () => {
    const steps = writeVcpuTimeInfoSteps(areaWith(2), UPDATE);
    expect([...steps].map(({ offset, store }) => `${store} ${offset}`)).toEqual([
      "version 0",
      ...[0, 4, 8, 12, 16, 20, 24, 28].map((offset) => `body ${offset}`),
      "version 0",
    ]);
  });

  it("write nothing before the first one is taken", () => {
    const area = areaWith(2);
    writeVcpuTimeInfoSteps(area, UPDATE);
    expect(area).toEqual(areaWith(2));
  });

  it("keep to what was asked for when they were made", () => {
    const area = areaWith(2);
    const update = { ...UPDATE };
    const steps = writeVcpuTimeInfoSteps(area, update);
    update.flags = 255;
    expect([...steps]).toHaveLength(10);
    expect(area[FLAGS_OFFSET]).toBe(STABLE);
  });

  it("never touch a byte beyond the structure", () => {
    const page = new Uint8Array(96).fill(0x5a);
    writeVcpuTimeInfo(page.subarray(32, 96), UPDATE, { hideTscStable: true, guestStopped: true });
    expect([...page.subarray(0, 32), ...page.subarray(64)].every((byte) => byte === 0x5a)).toBe(true);
  });

  it("leave an even version over one consistent structure, whatever was there", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.boolean(), (found, guestStopped) => {
        const area = Uint8Array.from(found);
        const stoppedBefore = ((area[FLAGS_OFFSET] ?? 0) & STOPPED) !== 0;
        const version = new DataView(found.buffer, found.byteOffset).getUint32(0, true);
        const cached = writeVcpuTimeInfo(area, UPDATE, { guestStopped });
        expect(cached.version).toBe((version + (version % 2 === 0 ? 2 : 3)) % 2 ** 32);
        expect(cached.flags).toBe(STABLE + (stoppedBefore || guestStopped ? STOPPED : 0));
        expect(area).toEqual(encodeVcpuTimeInfo(cached));
      }),
    );
  });
});

describe("taking bit 0 back", () => {
  it("steps the version once and changes that bit alone, padding too stays", () => {
    const area = Uint8Array.from({ length: 32 }, (_, i) => 0xf0 | i);
    area[FLAGS_OFFSET] = 0x4d;
    const expected = Uint8Array.from(area);
    expected.set([0xf2, 0xf1, 0xf2, 0xf3]);
    expected[FLAGS_OFFSET] = 0x4c;
    expect(retractTscStable(area)).toBe(true);
    expect(area).toEqual(expected);
  });

  it("steps an odd version by three", () => {
    const area = areaWith(5, STABLE);
    retractTscStable(area);
    expect(decodeVcpuTimeInfo(area)).toMatchObject({ version: 8, flags: 0 });
  });

  it("does nothing to an area without the bit", () => {
    const area = areaWith(5, STOPPED);
    expect(retractTscStable(area)).toBe(false);
    expect(area).toEqual(areaWith(5, STOPPED));
  });
});
