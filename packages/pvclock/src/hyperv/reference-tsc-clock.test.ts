import { guestTsc, kvmclockNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeReferenceTscPage,
  encodeReferenceTscPage,
  ReferenceTscClock,
  readReferenceTsc,
  type VcpuTimeInfo,
} from "../index.js";

const PAGE_GPA = 0x5000n;
const ENABLE = 0x5001n;

const INFO: VcpuTimeInfo = {
  version: 2,
  tscTimestamp: 0n,
  systemTime: 700n,
  tscToSystemMul: 2 ** 31,
  tscShift: 0,
  flags: 1,
};
/** 2^64 / 200, floored: 2 GHz in units of 100 ns. */
const SCALE = 0x147ae147ae147aen;

/** Guest memory of the one page. */
function memory() {
  const page = new Uint8Array(4096);
  const asked: (readonly [bigint, number])[] = [];
  const map = (gpa: bigint, length: number): Uint8Array | undefined => {
    asked.push([gpa, length]);
    return gpa === PAGE_GPA ? page : undefined;
  };
  return { page, asked, map };
}

/** A clock whose page is set. */
function running() {
  const guest = memory();
  const clock = new ReferenceTscClock(guest);
  clock.writeMsr(ENABLE);
  clock.updateClock(INFO);
  return { ...guest, clock };
}

describe("the page's MSR", () => {
  it.each([
    ["a guest's write with the enable bit", ENABLE, "guest", "guest-changed", true],
    ["user space's write with the enable bit", ENABLE, "host", "host-changed", true],
    ["a guest's write without it", PAGE_GPA, "guest", "unset", false],
    ["user space's write without it", PAGE_GPA, "host", "unset", false],
  ] as const)("after %s", (_title, value, writer, status, asksForReference) => {
    const { clock } = running();
    expect(clock.writeMsr(value, writer)).toBe(asksForReference);
    expect([clock.status, clock.msr]).toEqual([status, value]);
  });

  it("names a page whatever its low bits hold", () => {
    const guest = memory();
    const clock = new ReferenceTscClock(guest);
    clock.writeMsr(0x5fffn);
    clock.updateClock(INFO);
    expect(guest.asked).toEqual([[PAGE_GPA, 24]]);
  });
});

describe("a clock update", () => {
  it("writes the page that was named, once", () => {
    const { page, clock } = running();
    expect(decodeReferenceTscPage(page)).toEqual({ sequence: 1, scale: SCALE, offset: 7n });
    clock.updateClock({ ...INFO, systemTime: 900n });
    expect(decodeReferenceTscPage(page).offset).toBe(7n);
  });

  it("rewrites it after a new reference, with the sequence that follows the guest's", () => {
    const { page, clock } = running();
    page[0] = 41;
    clock.noteNewReference();
    expect(clock.status).toBe("host-changed");
    clock.updateClock({ ...INFO, systemTime: 900n });
    expect(decodeReferenceTscPage(page)).toEqual({ sequence: 42, scale: SCALE, offset: 9n });
    expect(clock.status).toBe("set");
  });

  it("does nothing where no page was named", () => {
    const guest = memory();
    const clock = new ReferenceTscClock(guest);
    clock.noteNewReference();
    clock.updateClock(INFO);
    expect([clock.status, guest.asked.length]).toEqual(["unset", 0]);
  });

  it.each([
    ["the clock is not stable", { ...INFO, flags: 2 }],
    ["the scale does not fit", { ...INFO, tscShift: 7, tscToSystemMul: 3355443200 }],
  ])("breaks the page for good when %s, its sequence 0", (_title, info) => {
    const { page, clock } = running();
    clock.noteNewReference();
    clock.updateClock(info);
    expect([clock.status, decodeReferenceTscPage(page).sequence]).toEqual(["broken", 0]);
    clock.noteNewReference();
    clock.updateClock(INFO);
    expect(clock.status).toBe("broken");
    clock.writeMsr(ENABLE);
    clock.updateClock(INFO);
    expect(clock.status).toBe("set");
  });

  it("breaks a page that is not mapped", () => {
    const clock = new ReferenceTscClock(memory());
    clock.writeMsr(0x6001n);
    clock.updateClock(INFO);
    expect(clock.status).toBe("broken");
  });
});

describe("TSC emulation control", () => {
  it("keeps a page that is set from being rewritten", () => {
    const { clock } = running();
    clock.writeEmulationControl(1n);
    clock.noteNewReference();
    expect(clock.status).toBe("set");
    clock.writeEmulationControl(0n);
    clock.noteNewReference();
    expect(clock.status).toBe("host-changed");
  });

  it("takes over the page that came with a migrated guest", () => {
    const { page, clock } = running();
    const migrated = { sequence: 5, scale: 2n ** 62n, offset: -3n };
    page.set(encodeReferenceTscPage(migrated));
    clock.writeEmulationControl(1n);
    clock.writeMsr(ENABLE, "host");
    clock.updateClock(INFO);
    expect(clock.status).toBe("set");
    expect(decodeReferenceTscPage(page)).toEqual(migrated);
    expect(clock.referenceTime(guestTsc(40n), kvmclockNs(0n))).toBe(7n);
  });

  it.each([
    ["a page without a sequence", 0, "host"],
    ["a page the guest itself just named", 5, "guest"],
  ] as const)("does not protect %s", (_title, sequence, writer) => {
    const { page, clock } = running();
    page.set(encodeReferenceTscPage({ sequence, scale: 1n, offset: 1n }));
    clock.writeEmulationControl(1n);
    clock.writeMsr(ENABLE, writer);
    clock.updateClock(INFO);
    expect(decodeReferenceTscPage(page)).toEqual({ sequence: sequence + 1, scale: SCALE, offset: 7n });
  });
});

describe("the counter MSR", () => {
  it("is kvmclock in units of 100 ns until the page is set, then what the page says", () => {
    const { page, clock } = running();
    const tsc = guestTsc(2_000_000_000n);
    const kvmclock = kvmclockNs(12_399n);
    expect(clock.referenceTime(tsc, kvmclock)).toBe(10_000_006n);
    expect(readReferenceTsc(page, () => tsc)?.time).toBe(10_000_006n);
    clock.noteNewReference();
    expect(clock.referenceTime(tsc, kvmclock)).toBe(123n);
  });

  it("wraps where the page's formula does", () => {
    const { clock } = running();
    clock.noteNewReference();
    clock.updateClock({ ...INFO, tscTimestamp: 2_000_000_000n, systemTime: 0n });
    expect(clock.referenceTime(guestTsc(0n), kvmclockNs(0n))).toBe(2n ** 64n - 9_999_999n);
  });
});

describe("the saved state", () => {
  it("goes on where it was, in every status", () => {
    const action = fc.constantFrom<(clock: ReferenceTscClock) => void>(
      (clock) => void clock.writeMsr(ENABLE),
      (clock) => void clock.writeMsr(ENABLE, "host"),
      (clock) => void clock.writeMsr(0x6001n),
      (clock) => void clock.writeMsr(0n),
      (clock) => clock.writeEmulationControl(1n),
      (clock) => clock.writeEmulationControl(0n),
      (clock) => clock.noteNewReference(),
      (clock) => clock.updateClock(INFO),
      (clock) => clock.updateClock({ ...INFO, flags: 0 }),
    );
    fc.assert(
      fc.property(fc.array(action), fc.array(action), (before, after) => {
        const guest = memory();
        const clock = new ReferenceTscClock(guest);
        for (const act of before) act(clock);
        const copy = memory();
        copy.page.set(guest.page);
        const restored = ReferenceTscClock.fromState(JSON.parse(JSON.stringify(clock.state())), copy);
        for (const act of after) {
          act(clock);
          act(restored);
          expect(restored.state()).toEqual(clock.state());
        }
        expect(copy.page).toEqual(guest.page);
      }),
    );
  });

  it.each([
    ["status", "lost"],
    ["msr", "-1"],
    ["emulationControl", "0x1"],
    ["scale", String(2n ** 64n)],
    ["offset", String(2n ** 63n)],
  ])("is refused with a wrong %s", (member, value) => {
    const state = { ...running().clock.state(), [member]: value };
    expect(() => ReferenceTscClock.fromState(state, memory())).toThrow(
      `ReferenceTscClock.fromState: expected ${member} to be`,
    );
  });
});
