import type { KvmclockNs, RealtimeNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KERNEL_6_1, KERNEL_6_12 } from "../../test/guest.js";
import { GuestArea, SHARED_INFO_LAYOUTS, writeXenWallClock, XenVm, type XenVmOptions } from "../index.js";

/** 5 s and 7 ns past the year 2106, where 32-bit seconds end. */
const EPOCH = (2n ** 32n + 5n) * 1_000_000_000n + 7n;

function make(overrides: Partial<XenVmOptions> = {}) {
  const requests: string[] = [];
  const reads: string[] = [];
  const options: XenVmOptions = {
    wallClock: {
      realtimeNs: () => {
        reads.push("realtime");
        return (EPOCH + 100n) as RealtimeNs;
      },
      kvmclockNs: () => {
        reads.push("kvmclock");
        return 100n as KvmclockNs;
      },
      epochNs: () => {
        reads.push("epoch");
        return EPOCH;
      },
    },
    requestMasterClockUpdate: () => requests.push("update"),
    behaviours: KERNEL_6_12,
    ...overrides,
  };
  return { vm: new XenVm(options), options, requests, reads, page: new Uint8Array(4096) };
}

/** Version, low seconds, nanoseconds, and the high seconds apart. */
function wallClock(page: Uint8Array, wc: number, secHi: number): readonly number[] {
  const view = new DataView(page.buffer);
  return [0, 4, 8].map((at) => view.getUint32(wc + at, true)).concat(view.getUint32(secHi, true));
}

describe("the wall clock", () => {
  it.each([
    ["64-bit", 0xc00, 0xc0c],
    ["32-bit", 0x900, 0x924],
  ] as const)("%s: at %i, its high seconds at %i", (layout, wc, secHi) => {
    const { vm, page } = make();
    vm.setLongMode(layout);
    vm.mapSharedInfo(page);
    expect(wallClock(page, wc, secHi)).toEqual([2, 5, 7, 1]);
    expect(page.filter((byte) => byte !== 0)).toHaveLength(4);
  });

  it.each([
    [0, 2],
    [1, 4],
    [2, 4],
    [0xffff_fffe, 0],
    [0xffff_ffff, 2],
  ])("its version goes on from %i to %i", (found, version) => {
    const { vm, page } = make();
    vm.setLongMode("64-bit");
    new DataView(page.buffer).setUint32(0xc00, found, true);
    vm.mapSharedInfo(page);
    expect(wallClock(page, 0xc00, 0xc0c)[0]).toBe(version);
  });

  it("is read at one instant (6.12), or at two, REALTIME first (6.1)", () => {
    const newer = make();
    newer.vm.mapSharedInfo(newer.page);
    expect(newer.reads).toEqual(["epoch"]);
    const older = make({ behaviours: KERNEL_6_1 });
    older.vm.mapSharedInfo(older.page);
    expect(older.reads).toEqual(["realtime", "kvmclock"]);
    expect(older.page).toEqual(newer.page);
  });

  it("references the guest clock anew until v7.3", () => {
    const yanks = make();
    yanks.vm.mapSharedInfo(yanks.page);
    expect(yanks.requests).toEqual(["update"]);
    const none = make({ behaviours: { ...KERNEL_6_12, xenMapYank: "none" } });
    none.vm.mapSharedInfo(none.page);
    expect(none.requests).toEqual([]);
  });
});

describe("latching the mode", () => {
  it("moves the wall clock: always by attribute, at the hypercall page only on a change", () => {
    const { vm, page, requests } = make();
    vm.mapSharedInfo(page);
    vm.setLongMode("32-bit");
    expect(requests).toHaveLength(2);
    vm.latchAtHypercallPage("32-bit");
    expect(requests).toHaveLength(2);
    vm.latchAtHypercallPage("64-bit");
    expect(requests).toHaveLength(3);
    expect(wallClock(page, 0xc00, 0xc0c)).toEqual([2, 5, 7, 1]);
    expect(vm.longMode).toBe("64-bit");
  });

  it("moves nothing in 6.1", () => {
    const { vm, page, requests } = make({ behaviours: KERNEL_6_1 });
    vm.mapSharedInfo(page);
    vm.setLongMode("64-bit");
    vm.latchAtHypercallPage("32-bit");
    vm.latchAtHypercallPage("64-bit");
    expect([vm.longMode, requests.length]).toEqual(["64-bit", 1]);
    expect(wallClock(page, 0xc00, 0xc0c)).toEqual([0, 0, 0, 0]);
  });

  it("writes nothing without a page, and brings back one the host took away", () => {
    const { vm, page, reads } = make();
    vm.setLongMode("64-bit");
    expect(reads).toEqual([]);
    vm.mapSharedInfo(page);
    vm.sharedInfo.invalidate();
    vm.setLongMode("64-bit");
    expect([reads.length, vm.sharedInfo.mapping]).toEqual([2, "mapped"]);
  });
});

describe("guest memory", () => {
  it("reads back what was written, over any cut into pieces", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.nat(16),
        fc.nat(8),
        (value, cut, offset) => {
          const area = new GuestArea("test", 16);
          area.activate(new Uint8Array(cut), new Uint8Array(16 - cut));
          area.writeU64(offset, value);
          expect(area.readU64(offset)).toBe(value);
          expect(area.readU32(offset)).toBe(Number(value % 2n ** 32n));
          for (let bit = 0; bit < 64; bit++) {
            expect(area.testBit(offset, bit)).toBe(((value >> BigInt(bit)) & 1n) === 1n);
          }
        },
      ),
    );
  });

  it("taken away comes back by a refresh only, and not once it is gone", () => {
    const area = new GuestArea("test", 1);
    area.invalidate();
    expect([area.mapping, area.refresh()]).toEqual(["inactive", false]);
    area.activate(new Uint8Array(1));
    area.invalidate();
    expect([area.mapping, area.refresh(), area.mapping]).toEqual(["invalidated", true, "mapped"]);
    area.deactivate();
    expect([area.refresh(), area.length]).toEqual([false, 0]);
  });
});

describe("its state", () => {
  it.each(["mapped", "invalidated", "inactive"] as const)("round trips with the page %s", (mapping) => {
    const { vm, options, page, reads } = make();
    vm.setLongMode("64-bit");
    vm.setUpcallVector(0xf3);
    vm.setRunstateUpdateFlag("on");
    vm.mapSharedInfo(page);
    if (mapping === "invalidated") vm.sharedInfo.invalidate();
    if (mapping === "inactive") vm.unmapSharedInfo();
    reads.length = 0;
    const restored = XenVm.fromState(JSON.parse(JSON.stringify(vm.state())), options, page);
    expect(restored.state()).toEqual(vm.state());
    expect(restored.sharedInfo.mapping).toBe(mapping);
    expect(reads).toEqual([]);
  });

  const { vm, options } = make();
  const state = vm.state();
  const area = new GuestArea("test", 4096);
  it.each([
    ["a layout", () => XenVm.fromState({ ...state, layout: "16-bit" as "32-bit" }, options), RangeError],
    ["a vector of 15", () => XenVm.fromState({ ...state, upcallVector: 15 }, options), RangeError],
    [
      "a flag that is a word",
      () => XenVm.fromState({ ...state, runstateUpdateFlag: "on" as unknown as boolean }, options),
      TypeError,
    ],
    [
      "a page that is missing",
      () => XenVm.fromState({ ...state, sharedInfo: { mapping: "mapped" } }, options),
      RangeError,
    ],
    [
      "an unknown mapping",
      () => XenVm.fromState({ ...state, sharedInfo: { mapping: "lost" as "mapped" } }, options),
      RangeError,
    ],
    ["a mode to latch", () => vm.setLongMode("" as "32-bit"), RangeError],
    ["a mode at the page", () => vm.latchAtHypercallPage("" as "32-bit"), RangeError],
    ["a vector of -1", () => vm.setUpcallVector(-1), RangeError],
    ["a flag", () => vm.setRunstateUpdateFlag("maybe" as "on"), RangeError],
    ["a page of 4095 bytes", () => vm.mapSharedInfo(new Uint8Array(4095)), RangeError],
    ["a page of numbers", () => vm.mapSharedInfo([0] as unknown as Uint8Array), TypeError],
    ["no vCPU", () => make({ maxVcpus: 0 }), RangeError],
    ["interception by a number", () => make({ interceptHypercalls: 1 as unknown as boolean }), TypeError],
    ["a behaviour", () => make({ behaviours: { runstate: "round" as "wrap" } }), RangeError],
    ["an area of no bytes", () => new GuestArea("test", 0), RangeError],
    ["an offset of an inactive area", () => area.readU8(0), RangeError],
    ["an epoch below 0", () => writeXenWallClock(area, SHARED_INFO_LAYOUTS["64-bit"], -1n), RangeError],
  ])("or a call refuses %s", (_title, act, error) => {
    expect(act).toThrow(error);
  });
});
