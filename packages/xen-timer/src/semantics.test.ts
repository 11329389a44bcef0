import { describe, expect, it } from "vitest";
import {
  type Guest,
  guest,
  isPending,
  KERNEL_6_1,
  KERNEL_6_12,
  PORT,
  PRIORITY,
  setTimer,
  singleshot,
  takeEvents,
} from "../test/guest.js";
import { XenVcpu, XenVm } from "./index.js";

// docs/model/scenarios-clock §S1.e, row by row, through the hypercalls a guest makes.

const MS = 1_000_000n;
const FUTURE = 1;
const both = [
  ["6.1", KERNEL_6_1],
  ["6.12", KERNEL_6_12],
] as const;

/** How often VIRQ_TIMER reaches the guest until the host's clock has moved on by `ns`. */
function eventsWithin(g: Guest, ns: bigint): number {
  let events = 0;
  const take = (): void => {
    g.xen.prepareEntry();
    if (isPending(g)) events++;
    takeEvents(g);
  };
  take();
  for (const end = g.host.now + ns; g.host.now < end; take()) g.host.runUntil(g.host.now + MS);
  return events;
}

describe.each(both)("as %s", (_release, behaviours) => {
  it("set_timer_op(0) stops", () => {
    const g = guest(behaviours);
    setTimer(g, g.host.guestNow + MS);
    expect(setTimer(g, 0n)).toBe(0);
    expect(g.xen.timer.expiresNs).toBe(0n);
    expect(eventsWithin(g, 3n * MS)).toBe(0);
  });

  it("a timeout just below the workaround's is armed as it is", () => {
    const g = guest(behaviours);
    const timeout = g.host.guestNow + 2n ** 50n - 1n;
    expect(setTimer(g, timeout)).toBe(0);
    expect(g.xen.timer.expiresNs).toBe(timeout);
    expect(g.xen.timer.hrtimerExpiresNs).toBe(g.host.now + 2n ** 50n - 1n);
  });

  it.each([
    ["2^50 ns ahead", (now: bigint) => now + 2n ** 50n],
    ["2^63", () => 2n ** 63n],
    ["2^64 - 1", () => 2n ** 64n - 1n],
  ])("set_timer_op for %s becomes 100 ms", (_title, timeout) => {
    const g = guest(behaviours);
    expect(setTimer(g, timeout(g.host.guestNow))).toBe(0);
    expect(g.xen.timer.expiresNs).toBe(g.host.guestNow + 100_000_000n);
    expect(g.starts.at(-1)).toMatchObject({ workedAround: true, deltaNs: 100_000_000n });
    expect(eventsWithin(g, 200n * MS)).toBe(1);
  });

  it.each([
    ["2^64 - 1", () => 2n ** 64n - 1n],
    ["0", () => 0n],
    ["now", (now: bigint) => now],
  ])("a singleshot timer for %s fires at once", (_title, timeout) => {
    const g = guest(behaviours);
    expect(singleshot(g, timeout(g.host.guestNow))).toBe(0);
    expect(eventsWithin(g, 0n)).toBe(1);
    expect(g.xen.timer.expiresNs).toBe(0n);
  });

  it("a singleshot timer 2^50 ns ahead is armed 13.03 days ahead", () => {
    const g = guest(behaviours);
    expect(singleshot(g, g.host.guestNow + 2n ** 50n)).toBe(0);
    expect(g.xen.timer.hrtimerExpiresNs - g.host.now).toBe(1_125_899_906_842_624n);
  });

  it("a singleshot timer of another vCPU is refused", () => {
    const g = guest(behaviours);
    expect(singleshot(g, g.host.guestNow + MS, 0, 1n)).toBe(-22);
    expect(g.xen.timer.hrtimerArmed).toBe(false);
  });

  it("a poll without EVTCHN_SEND yields", () => {
    const g = guest(behaviours, { evtchnSend: false });
    expect(g.call({ rax: 29n, rdi: 3n, rsi: 0xdead0000n })).toBe(0);
    expect(g.log).toEqual(["yield"]);
  });

  it("an event of a masked port is set without upcall, wakes a poller and ends the timer", () => {
    const g = guest(behaviours);
    g.page[0xa00 + (PORT >> 3)] = 1 << (PORT & 7);
    g.xen.channels.beginPoll([PORT]);
    setTimer(g, g.host.guestNow + MS);
    g.host.runUntil(g.host.now + MS);
    const told = g.log.filter((line) => line === "unblock").length;
    g.xen.prepareEntry();
    expect(isPending(g)).toBe(true);
    expect(g.vcpuInfo[0]).toBe(0);
    // 6.1 unblocks twice: to have the expiry delivered, and then for the poller.
    expect(g.log.filter((line) => line === "unblock")).toHaveLength(behaviours === KERNEL_6_1 ? told + 1 : 1);
    expect(g.xen.channels.polled).toBeUndefined();
    expect(g.xen.timer.expiresNs).toBe(0n);
  });

  it("an event already pending gets no second upcall", () => {
    const g = guest(behaviours);
    g.xen.channels.setUpcallVector(0xf3);
    for (let i = 0; i < 2; i++) {
      setTimer(g, g.host.guestNow);
      g.xen.prepareEntry();
    }
    expect(g.log.filter((line) => line.startsWith("vector"))).toEqual(["vector 243"]);
  });

  it("an event in a word already selected gets no upcall", () => {
    const g = guest(behaviours);
    g.xen.channels.setUpcallVector(0xf3);
    g.vcpuInfo[8] = 1;
    setTimer(g, g.host.guestNow);
    g.xen.prepareEntry();
    expect(isPending(g)).toBe(true);
    expect(g.log.filter((line) => line.startsWith("vector"))).toEqual([]);
  });

  it("a page the host took away delays the event to the next entry", () => {
    const g = guest(behaviours);
    g.vm.sharedInfo.invalidate();
    setTimer(g, g.host.guestNow);
    expect(g.xen.timer.pending).toBe(1);
    expect(isPending(g)).toBe(false);
    g.xen.prepareEntry();
    expect(isPending(g)).toBe(true);
    expect([g.xen.timer.pending, g.xen.timer.expiresNs]).toEqual([0, 0n]);
  });

  it("a page that is gone for good loses it", () => {
    const g = guest(behaviours);
    g.vm.unmapSharedInfo();
    setTimer(g, g.host.guestNow);
    g.xen.prepareEntry();
    expect(g.log.at(-1)).toBe("inject: would-block");
    expect([g.xen.timer.pending, g.xen.timer.expiresNs]).toEqual([0, 0n]);
    g.vm.mapSharedInfo(g.page);
    g.xen.prepareEntry();
    expect(isPending(g)).toBe(false);
  });

  it("a timer restored in the past fires at once", () => {
    const source = guest(behaviours);
    const destination = guest(behaviours);
    const expiresNs = source.host.guestNow - 1n;
    expect(destination.xen.timer.setAttribute({ port: PORT, priority: PRIORITY, expiresNs })).toBe(0);
    expect(eventsWithin(destination, 0n)).toBe(1);
  });

  it("a 32-bit singleshot argument that ends with its page is enough", () => {
    const g = guest(behaviours);
    new DataView(g.memory.map(0x7000n, 0x1_3000n).buffer).setBigUint64(4096 - 12, g.host.guestNow + MS, true);
    expect(g.call({ rax: 24n, rbx: 8n, rcx: 0n, rdx: 0x8000n - 12n }, "32-bit")).toBe(0);
    expect(g.xen.timer.expiresNs).toBe(g.host.guestNow + MS);
  });
});

describe("where 6.1 and 6.12 part", () => {
  it.each([0n, 1n])("6.12: set_timer_op(now - %i) sets the event within the hypercall", (past) => {
    const g = guest(KERNEL_6_12);
    expect(setTimer(g, g.host.guestNow - past)).toBe(0);
    expect(isPending(g)).toBe(true);
    expect(g.xen.timer.expiresNs).toBe(0n);
  });

  it.each([0n, 1n])("6.1: set_timer_op(now - %i) leaves it to the vCPU's loop", (past) => {
    const g = guest(KERNEL_6_1);
    expect(setTimer(g, g.host.guestNow - past)).toBe(0);
    expect([g.xen.timer.pending, g.xen.timer.expiresNs]).toEqual([1, g.host.guestNow - past]);
    expect(isPending(g)).toBe(false);
    expect(g.log).toEqual(["unblock", "kick", "expire: deferred"]);
    g.xen.prepareEntry();
    expect(isPending(g)).toBe(true);
    expect(g.xen.timer.expiresNs).toBe(0n);
  });

  it.each([
    ["6.1", KERNEL_6_1, 2],
    ["6.12", KERNEL_6_12, 1],
  ] as const)("%s: a timer replaced by a past one makes %i events", (_release, behaviours, events) => {
    const g = guest(behaviours);
    setTimer(g, g.host.guestNow + 10n * MS);
    setTimer(g, g.host.guestNow - 1n);
    expect(eventsWithin(g, 20n * MS)).toBe(events);
  });

  it("6.1: a past timeout under the future flag is refused, and the old timer goes on", () => {
    const g = guest(KERNEL_6_1);
    singleshot(g, g.host.guestNow + 10n * MS);
    const expiresNs = g.xen.timer.expiresNs;
    expect(singleshot(g, g.host.guestNow - 1n, FUTURE)).toBe(-62);
    expect(g.xen.timer.expiresNs).toBe(expiresNs);
    expect(eventsWithin(g, 20n * MS)).toBe(1);
  });

  it("6.1: now itself is not past under the future flag", () => {
    const g = guest(KERNEL_6_1);
    expect(singleshot(g, g.host.guestNow, FUTURE)).toBe(0);
    expect(eventsWithin(g, 0n)).toBe(1);
  });

  it("6.12: a past timeout under the future flag fires at once", () => {
    const g = guest(KERNEL_6_12);
    expect(singleshot(g, g.host.guestNow - 1n, FUTURE)).toBe(0);
    expect(isPending(g)).toBe(true);
  });

  describe("a 64-bit singleshot argument 12 bytes before an unmapped page", () => {
    /** The argument's 16 bytes in physical order, their last 4 on a page the guest has not mapped. */
    function crossing(g: Guest, physical: bigint): unknown {
      const page = g.memory.map(0x7000n, physical);
      new DataView(page.buffer).setBigUint64(4096 - 12, g.host.guestNow + MS, true);
      return g.call({ rax: 24n, rdi: 8n, rdx: 0x8000n - 12n });
    }

    it("6.12: is a fault", () => {
      const g = guest(KERNEL_6_12);
      g.memory.page(0x1_4000n);
      expect(crossing(g, 0x1_3000n)).toBe(-14);
      expect(g.xen.timer.hrtimerArmed).toBe(false);
    });

    it("6.1: is fine where the next physical page is memory", () => {
      const g = guest(KERNEL_6_1);
      g.memory.page(0x1_4000n);
      expect(crossing(g, 0x1_3000n)).toBe(0);
      expect(g.xen.timer.hrtimerArmed).toBe(true);
    });

    it("6.1: is a fault where it is not", () => {
      expect(crossing(guest(KERNEL_6_1), 0x1_3000n)).toBe(-14);
    });
  });

  it("6.1 takes guest-physical 0 for unmapped, 6.12 does not", () => {
    for (const [behaviours, result] of [
      [KERNEL_6_1, -14],
      [KERNEL_6_12, 0],
    ] as const) {
      const g = guest(behaviours);
      g.memory.map(0x7000n, 0n);
      expect(g.call({ rax: 24n, rdi: 8n, rdx: 0x7000n })).toBe(result);
    }
  });

  it("6.12: saving a pending expiry delivers it and reports none", () => {
    const g = guest(KERNEL_6_12);
    g.vm.sharedInfo.invalidate();
    setTimer(g, g.host.guestNow - 1n);
    expect(g.xen.timer.getAttribute()).toEqual({ port: PORT, priority: PRIORITY, expiresNs: 0n });
    expect(isPending(g)).toBe(true);
  });

  it("6.1: saving a pending expiry reports its past timeout, which fires again where it is restored", () => {
    const g = guest(KERNEL_6_1);
    setTimer(g, g.host.guestNow - 1n);
    const saved = g.xen.timer.getAttribute();
    expect(saved.expiresNs).toBe(g.host.guestNow - 1n);
    expect(isPending(g)).toBe(false);
    const destination = guest(KERNEL_6_1);
    destination.xen.timer.setAttribute(saved);
    expect(eventsWithin(destination, 0n)).toBe(1);
  });

  it("6.12: saving a running timer leaves it running, to the nanosecond", () => {
    const g = guest(KERNEL_6_12);
    setTimer(g, g.host.guestNow + 5n * MS);
    const before = g.xen.timer.hrtimerExpiresNs;
    g.host.now += MS;
    expect(g.xen.timer.getAttribute().expiresNs).toBe(g.host.guestNow + 4n * MS);
    expect([g.xen.timer.hrtimerArmed, g.xen.timer.hrtimerExpiresNs]).toEqual([true, before]);
  });
});

it("a snapshot goes on like the original", () => {
  const g = guest(KERNEL_6_12);
  setTimer(g, g.host.guestNow + 5n * MS);
  const vm = XenVm.fromState(g.vm.state(), g.vmOptions, g.page);
  const xen = XenVcpu.fromState(g.xen.state(), { ...g.options, vm }, g.vcpuInfo);
  g.xen.timer.stop();
  g.host.runUntil(g.host.now + 5n * MS);
  expect(xen.timer.expiresNs).toBe(0n);
  expect(isPending(g)).toBe(true);
});
