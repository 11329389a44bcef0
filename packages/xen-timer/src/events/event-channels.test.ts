import { beforeEach, describe, expect, it } from "vitest";
import { type Guest, guest, KERNEL_6_12 } from "../../test/guest.js";
import { DELIVERY_CODES, EventChannels, type XenLayout } from "../index.js";

// Offsets of Xen's public headers, by layout.
const OFFSETS = {
  "64-bit": { pending: 0x800, mask: 0xa00, selector: 8, word: 64, ports: 4096 },
  "32-bit": { pending: 0x800, mask: 0x880, selector: 4, word: 32, ports: 1024 },
} as const;

const bit = (bytes: Uint8Array, offset: number, index: number): boolean =>
  (((bytes[offset + (index >> 3)] as number) >> (index & 7)) & 1) === 1;
const set = (bytes: Uint8Array, offset: number, index: number): void => {
  bytes[offset + (index >> 3)] = (bytes[offset + (index >> 3)] as number) | (1 << (index & 7));
};

describe.each(["64-bit", "32-bit"] as const)("in the %s layout", (layout: XenLayout) => {
  const at = OFFSETS[layout];
  let g: Guest;
  let channels: EventChannels;
  beforeEach(() => {
    g = guest(KERNEL_6_12);
    g.vm.setLongMode(layout);
    g.log.length = 0;
    channels = g.xen.channels;
  });

  it.each([0, 13, at.word - 1, at.word, at.ports - 1])("sets all three levels for port %i", (port) => {
    expect(channels.deliverFast(port)).toBe("raised");
    expect(bit(g.page, at.pending, port)).toBe(true);
    expect(bit(g.vcpuInfo, at.selector, Math.floor(port / at.word))).toBe(true);
    expect(g.vcpuInfo[0]).toBe(1);
    expect(g.log).toEqual(["unblock", "kick"]);
    const bits = [g.page.subarray(at.pending, at.mask), g.vcpuInfo.subarray(at.selector)].flatMap((bytes) => [
      ...bytes,
    ]);
    expect(bits.filter((byte) => byte !== 0)).toHaveLength(2);
  });

  it("has no port beyond its last", () => {
    expect(channels.deliverFast(at.ports)).toBe("invalid-port");
    expect(channels.deliver(2 ** 32 - 1)).toBe("invalid-port");
    expect(g.log).toEqual([]);
  });

  it("coalesces with an event that is pending, masked or not, and says nothing", () => {
    set(g.page, at.pending, 40);
    set(g.page, at.mask, 40);
    expect(channels.deliverFast(40)).toBe("coalesced");
    expect(g.log).toEqual([]);
    expect(g.vcpuInfo[0]).toBe(0);
  });

  it("leaves a masked event pending without selecting it", () => {
    set(g.page, at.mask, 40);
    expect(channels.deliverFast(40)).toBe("masked");
    expect(bit(g.page, at.pending, 40)).toBe(true);
    expect(g.vcpuInfo.every((byte) => byte === 0)).toBe(true);
    expect(g.log).toEqual([]);
  });

  it("keeps the selector in its shadow until vcpu_info is there", () => {
    channels.setUpcallVector(0x10);
    channels.vcpuInfo.deactivate();
    expect(channels.deliverFast(at.word)).toBe("raised");
    expect(channels.deliverFast(at.word + 1)).toBe("raised");
    expect(g.log).toEqual(["unblock", "kick"]);
    expect(channels.shadowSelector).toBe(2n);
    channels.flushPending();
    expect(channels.shadowSelector).toBe(2n);
    channels.vcpuInfo.activate(g.vcpuInfo);
    channels.flushPending();
    expect(channels.shadowSelector).toBe(0n);
    expect(bit(g.vcpuInfo, at.selector, 1)).toBe(true);
    expect(g.vcpuInfo[0]).toBe(1);
    expect(g.log).toEqual(["unblock", "kick", "vector 16"]);
    channels.flushPending();
    expect(g.log).toHaveLength(3);
  });
});

it("selector bits beyond a 32-bit word stay in the shadow of a guest that left long mode", () => {
  const { vm, xen, vcpuInfo } = guest(KERNEL_6_12);
  xen.channels.vcpuInfo.deactivate();
  for (const port of [64, 40 * 64]) xen.channels.deliverFast(port);
  vm.setLongMode("32-bit");
  xen.channels.vcpuInfo.activate(vcpuInfo);
  xen.channels.flushPending();
  expect([...vcpuInfo.subarray(0, 12)]).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
  expect(xen.channels.shadowSelector).toBe(1n << 40n);
});

describe("the shared page", () => {
  it("taken away blocks who may not sleep, and comes back for who may", () => {
    const { vm, xen } = guest(KERNEL_6_12);
    vm.sharedInfo.invalidate();
    expect(xen.channels.deliverFast(1)).toBe("would-block");
    expect(xen.channels.deliver(1)).toBe("raised");
    expect(xen.channels.deliverFast(1)).toBe("coalesced");
  });

  it("unmapped blocks both", () => {
    const { vm, xen } = guest(KERNEL_6_12);
    vm.unmapSharedInfo();
    expect(xen.channels.deliverFast(1)).toBe("would-block");
    expect(xen.channels.deliver(1)).toBe("would-block");
  });
});

describe("upcalls", () => {
  it("a vCPU's own vector is an edge, sent when a word is first selected", () => {
    const g = guest(KERNEL_6_12);
    expect(g.xen.channels.setUpcallVector(0xf3)).toBe(0);
    for (const port of [1, 2, 64]) g.xen.channels.deliverFast(port);
    expect(g.log).toEqual(["vector 243", "vector 243"]);
  });

  it("a vector lost to a local APIC that was off is sent again when it is enabled", () => {
    const g = guest(KERNEL_6_12);
    g.xen.channels.setUpcallVector(0xf3);
    g.xen.channels.lapicSoftwareEnabled();
    expect(g.log).toEqual([]);
    g.vcpuInfo[0] = 1;
    g.xen.channels.lapicSoftwareEnabled();
    expect(g.log).toEqual(["vector 243"]);
  });

  it("the VM-wide vector's line follows the guest's flag, whatever its mask byte says", () => {
    const g = guest(KERNEL_6_12);
    g.vcpuInfo[1] = 1;
    g.xen.channels.deliverFast(1);
    expect(g.xen.channels.upcallAsserted).toBe(false);
    expect(g.vm.setUpcallVector(0xf3)).toBe(0);
    expect(g.xen.channels.upcallAsserted).toBe(true);
    g.xen.channels.vcpuInfo.invalidate();
    expect(g.xen.channels.upcallAsserted).toBe(true);
    g.vcpuInfo[0] = 0;
    expect(g.xen.channels.upcallAsserted).toBe(false);
    g.vcpuInfo[0] = 1;
    g.xen.channels.vcpuInfo.deactivate();
    expect(g.xen.channels.upcallAsserted).toBe(false);
  });

  it.each([1, 15])("vector %i belongs to the processor", (vector) => {
    const g = guest(KERNEL_6_12);
    expect(g.xen.channels.setUpcallVector(vector)).toBe(-22);
    expect(g.vm.setUpcallVector(vector)).toBe(-22);
    expect([g.xen.channels.upcallVector, g.vm.upcallVector]).toEqual([0, 0]);
  });

  it("0 takes the vector back", () => {
    const { xen } = guest(KERNEL_6_12);
    xen.channels.setUpcallVector(0xf3);
    expect([xen.channels.setUpcallVector(0), xen.channels.upcallVector]).toEqual([0, 0]);
  });
});

describe("a poll", () => {
  /** A guest asleep over `ports`, with ports 3 and 5 masked. */
  function polling(ports: readonly number[]): Guest {
    const g = guest(KERNEL_6_12);
    for (const port of [3, 5]) set(g.page, OFFSETS["64-bit"].mask, port);
    expect(g.xen.channels.beginPoll(ports)).toBe("sleep");
    return g;
  }

  it.each([
    ["the one port listed", [3], 3, true],
    ["another port than the one listed", [3], 5, false],
    ["any port, with several listed", [3, 4], 5, true],
    ["any port, with none listed", [], 5, true],
  ])("is ended by a masked event of %s: %o, %i", (_title, ports, port, woken) => {
    const g = polling(ports);
    g.xen.channels.deliverFast(port);
    expect(g.log).toEqual(woken ? ["unblock", "kick"] : []);
    expect(g.xen.channels.polled === undefined).toBe(woken);
  });

  it("is told once", () => {
    const g = polling([]);
    g.xen.channels.deliverFast(3);
    g.xen.channels.deliverFast(5);
    expect(g.log).toEqual(["unblock", "kick"]);
  });

  it("does not sleep over a port that is pending, or without a page to look at", () => {
    const g = guest(KERNEL_6_12);
    set(g.page, OFFSETS["64-bit"].pending, 7);
    expect(g.xen.channels.beginPoll([6, 7])).toBe("pending");
    g.vm.sharedInfo.invalidate();
    expect(g.xen.channels.beginPoll([6])).toBe("pending");
    expect(g.xen.channels.polled).toBeUndefined();
  });

  it("is over once the vCPU is awake", () => {
    const g = polling([3]);
    g.xen.endPoll();
    g.xen.channels.deliverFast(3);
    expect(g.log).toEqual([]);
  });
});

it("the kernel's return codes", () => {
  expect(DELIVERY_CODES).toEqual({
    raised: 1,
    coalesced: 0,
    masked: -107,
    "invalid-port": -22,
    "would-block": -11,
  });
});

describe("a caller's mistake", () => {
  const { xen, options } = guest(KERNEL_6_12);
  const state = xen.channels.state();
  it.each([
    ["a port of -1", () => xen.channels.deliverFast(-1)],
    ["a port of 2^32", () => xen.channels.deliver(2 ** 32)],
    ["a vector of 256", () => xen.channels.setUpcallVector(256)],
    ["a polled port beyond the last", () => xen.channels.beginPoll([4096])],
    ["a saved vector of 3", () => EventChannels.fromState({ ...state, upcallVector: 3 }, options)],
    ["a saved shadow below 0", () => EventChannels.fromState({ ...state, shadowSelector: "-1" }, options)],
    ["a saved poll of -1", () => EventChannels.fromState({ ...state, polled: -1 }, options)],
    ["a registered area without bytes", () => EventChannels.fromState(state, options)],
  ])("throws: %s", (_title, act) => {
    expect(act).toThrow(RangeError);
  });
});
