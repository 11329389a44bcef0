import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Guest,
  guest,
  KERNEL_6_1,
  KERNEL_6_12,
  PORT,
  PRIORITY,
  setTimer,
  singleshot,
  takeEvents,
} from "../test/guest.js";
import { GuestArea, XenVcpu, type XenVcpuState, XenVm } from "./index.js";

const MS = 1_000_000n;

/** What can happen to a vCPU, by number. */
function apply(g: Guest, op: number, value: number): void {
  const { xen, vm, host, page, vcpuInfo } = g;
  const at = (): bigint => host.guestNow + BigInt(value) - 2_000_000n;
  const steps = [
    () => setTimer(g, at()),
    () => singleshot(g, at(), value & 1),
    () => setTimer(g, 0n),
    () => host.runUntil(host.now + BigInt(value)),
    () => xen.prepareEntry(),
    () => takeEvents(g),
    () => vm.sharedInfo.invalidate(),
    () => vm.unmapSharedInfo(),
    () => vm.mapSharedInfo(page),
    () => xen.channels.vcpuInfo.invalidate(),
    () => xen.channels.vcpuInfo.deactivate(),
    () => xen.channels.vcpuInfo.activate(vcpuInfo),
    () => xen.channels.setUpcallVector(value & 0xff),
    () => xen.timer.getAttribute(),
    () => xen.timer.setAttribute({ port: value % 5000, priority: PRIORITY, expiresNs: at() }),
    () => xen.channels.beginPoll(value % 2 === 0 ? [PORT] : []),
    () => xen.setVcpuId(value & 1),
  ];
  steps[op % steps.length]?.();
}

/** A copy over copied memory, on the same host. */
function clone(g: Guest): { readonly vm: XenVm; readonly xen: XenVcpu } {
  const state = JSON.parse(JSON.stringify({ vm: g.vm.state(), xen: g.xen.state() }));
  const vm = XenVm.fromState(state.vm, g.vmOptions, g.page.slice());
  return { vm, xen: XenVcpu.fromState(state.xen, { ...g.options, vm }, g.vcpuInfo.slice()) };
}

describe.each([
  ["6.1", KERNEL_6_1],
  ["6.12", KERNEL_6_12],
])("as %s, for every sequence of operations", (_release, behaviours) => {
  const operations = fc.array(fc.tuple(fc.nat(16), fc.nat(4_000_000)), { maxLength: 40 });

  it("the state round trips, and both go on alike", () => {
    fc.assert(
      fc.property(operations, (steps) => {
        const g = guest(behaviours);
        for (const [op, value] of steps) apply(g, op, value);
        const copy = clone(g);
        expect(copy.xen.state()).toEqual(g.xen.state());
        expect(copy.vm.state()).toEqual(g.vm.state());
        g.host.runUntil(g.host.now + 3n * MS);
        g.xen.prepareEntry();
        copy.xen.prepareEntry();
        expect(copy.xen.state()).toEqual(g.xen.state());
      }),
    );
  });

  it("a timeout in force is armed or pending, and pending is 0 or 1", () => {
    fc.assert(
      fc.property(operations, (steps) => {
        const g = guest(behaviours);
        for (const [op, value] of steps) {
          apply(g, op, value);
          const { expiresNs, pending, hrtimerArmed } = g.xen.timer;
          if (expiresNs !== 0n) expect(hrtimerArmed || pending === 1).toBe(true);
          expect(pending === 0 || pending === 1).toBe(true);
        }
      }),
    );
  });
});

describe("a caller's mistake", () => {
  const { options, xen } = guest(KERNEL_6_12);
  const state: XenVcpuState = xen.state();
  const bytes = new Uint8Array(64);

  it.each([
    ["an index beyond the last vCPU", () => new XenVcpu({ ...options, index: 1024 }), RangeError],
    ["an index below 0", () => new XenVcpu({ ...options, index: -1 }), RangeError],
    ["a saved id of 1024", () => XenVcpu.fromState({ ...state, vcpuId: 1024 }, options, bytes), RangeError],
    [
      "a saved id set by a number",
      () => XenVcpu.fromState({ ...state, vcpuIdSet: 1 as unknown as boolean }, options, bytes),
      TypeError,
    ],
    ["vcpu_info without its bytes", () => XenVcpu.fromState(state, options), RangeError],
  ])("throws: %s", (_title, act, error) => {
    expect(act).toThrow(error);
  });

  it("GuestArea goes on from a state of its own", () => {
    const area = GuestArea.fromState("vcpu_info", 64, { mapping: "invalidated" }, [bytes]);
    expect([area.mapping, area.state()]).toEqual(["invalidated", { mapping: "invalidated" }]);
  });
});
