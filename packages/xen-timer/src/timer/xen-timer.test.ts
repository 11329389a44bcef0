import type { HostClock, KvmclockNs } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import {
  guest,
  isPending,
  KERNEL_6_1,
  KERNEL_6_12,
  PORT,
  PRIORITY,
  setTimer,
  singleshot,
} from "../../test/guest.js";
import {
  samplingLateness,
  XEN_TIMER_BEHAVIOURS,
  type XenHostClock,
  XenTimer,
  type XenTimerBehaviours,
} from "../index.js";

const ABS_HARD = 0x08;
const MS = 1_000_000n;

const V6_8: XenTimerBehaviours = { ...KERNEL_6_12, xenStart: "split-samples" };
const V6_15: XenTimerBehaviours = { ...KERNEL_6_12, xenTimerClock: "area" };

/** Starts a timer 10 ms ahead and says how late the guest's clock finds it. */
function lateness(
  behaviours: XenTimerBehaviours,
  setUp: (host: ReturnType<typeof guest>["host"]) => void,
): bigint {
  const g = guest(behaviours);
  setUp(g.host);
  const timeout = g.host.guestNow + 10n * MS;
  setTimer(g, timeout);
  g.host.runUntil(g.xen.timer.hrtimerExpiresNs);
  return g.host.guestNow - timeout;
}

describe("the readings of a start", () => {
  it.each([
    ["6.1", KERNEL_6_1, {}, ["kvmclock", "monotonic"]],
    ["6.8", V6_8, {}, ["kvmclock", "monotonic"]],
    ["6.12", KERNEL_6_12, {}, ["cached", "both"]],
    ["6.15", V6_15, {}, ["area", "both"]],
    ["6.12 without one read", KERNEL_6_12, { oneRead: false }, ["cached", "monotonic", "tsc"]],
    [
      "6.12 without a clock of its own",
      KERNEL_6_12,
      { hasVcpuClock: false },
      ["cached", "kvmclock", "monotonic"],
    ],
  ] as const)("are, in order, as %s", (_title, behaviours, host, readings) => {
    const g = guest(behaviours);
    Object.assign(g.host, host);
    setTimer(g, g.host.guestNow + MS);
    expect(g.host.readings).toEqual(readings);
  });

  it("leave CLOCK_MONOTONIC alone in 6.1 when nothing is armed, not in the later fallback", () => {
    const old = guest(KERNEL_6_1);
    setTimer(old, 1n);
    expect(old.host.readings).toEqual(["kvmclock"]);
    const fallback = guest(KERNEL_6_12);
    fallback.host.hasVcpuClock = false;
    setTimer(fallback, 1n);
    expect(fallback.host.readings).toEqual(["cached", "kvmclock", "monotonic"]);
  });

  it("are one for a singleshot timer too, the future flag's test included", () => {
    const g = guest(KERNEL_6_1);
    singleshot(g, g.host.guestNow + MS, 1);
    expect(g.host.readings).toEqual(["kvmclock", "monotonic"]);
  });
});

describe("two instants for one now (S1.c)", () => {
  it.each([0n, 50n, 5_000n, 3_000_000n])("%i ns between the samples", (gap) => {
    const between = (host: { readCost: bigint }): void => {
      host.readCost = gap;
    };
    expect(lateness(KERNEL_6_1, between)).toBe(gap);
    expect(lateness(KERNEL_6_12, between)).toBe(0n);
    const noOneRead = (host: { readCost: bigint; oneRead: boolean }): void => {
      host.readCost = gap;
      host.oneRead = false;
    };
    expect(lateness(KERNEL_6_12, noOneRead)).toBe(-gap);
    const noClock = (host: { readCost: bigint; hasVcpuClock: boolean }): void => {
      host.readCost = gap;
      host.hasVcpuClock = false;
    };
    expect(lateness(KERNEL_6_12, noClock)).toBe(gap);
  });

  it("what KVM's clock lags the guest's comes on top, until 6.9 and in the fallback", () => {
    const aged = (host: { conversionNs: bigint; readCost: bigint }): void => {
      host.conversionNs = 3_243n;
      host.readCost = 50n;
    };
    const late = lateness(KERNEL_6_1, aged);
    expect(late).toBe(3_293n);
    expect(late).toBe(samplingLateness("kvmclock-then-monotonic", { conversionNs: 3_243n, gapNs: 50n }));
    expect(lateness(KERNEL_6_12, aged)).toBe(0n);
  });

  it("a cached clock whose update is pending: off by exactly the jump, once (S1.d)", () => {
    const yank = -1_654_377n;
    const g = guest(KERNEL_6_12);
    const fresh = g.host.vcpuClock.bind(g.host);
    g.host.vcpuClock = (source) => {
      const clock = fresh(source);
      // The guest's clock is already that of the new reference, which the cached copy has not seen.
      return clock && { nsAt: (tsc) => (clock.nsAt(tsc) - yank) as KvmclockNs };
    };
    singleshot(g, g.host.guestNow + 10n * MS);
    expect(g.xen.timer.hrtimerExpiresNs - g.host.now).toBe(10n * MS + yank);
    g.host.vcpuClock = fresh;
    singleshot(g, g.host.guestNow + 10n * MS);
    expect(g.xen.timer.hrtimerExpiresNs - g.host.now).toBe(10n * MS);
  });

  it("reports which way it read", () => {
    const g = guest(KERNEL_6_12);
    setTimer(g, g.host.guestNow + MS);
    g.host.oneRead = false;
    setTimer(g, g.host.guestNow + MS);
    g.host.hasVcpuClock = false;
    setTimer(g, g.host.guestNow + MS);
    expect(g.starts.map(({ path }) => path)).toEqual([
      "one-read",
      "monotonic-then-tsc",
      "kvmclock-then-monotonic",
    ]);
  });
});

describe("starting", () => {
  it("arms in hard interrupt context", () => {
    const g = guest(KERNEL_6_12);
    setTimer(g, g.host.guestNow + MS);
    expect(g.host.timers[0]?.modes).toEqual([ABS_HARD]);
  });

  it("forgets an expiry that was pending", () => {
    const g = guest(KERNEL_6_1);
    setTimer(g, g.host.guestNow);
    setTimer(g, g.host.guestNow + MS);
    expect([g.xen.timer.pending, g.xen.timer.hasPending]).toEqual([0, false]);
    g.xen.prepareEntry();
    expect(isPending(g)).toBe(false);
  });

  it("so far ahead that the host's instant wraps asks for the wrapped one", () => {
    const g = guest(KERNEL_6_12);
    singleshot(g, g.host.guestNow + 2n ** 63n - 1n);
    expect(g.xen.timer.hrtimerArmed).toBe(true);
    expect(g.xen.timer.hrtimerExpiresNs).toBe(g.host.now + 2n ** 63n - 1n - 2n ** 64n);
  });

  it("for 0 leaves a deferred expiry that saving does not see", () => {
    const g = guest(KERNEL_6_12);
    g.vm.sharedInfo.invalidate();
    singleshot(g, 0n);
    expect([g.xen.timer.pending, g.xen.timer.getAttribute().expiresNs]).toEqual([1, 0n]);
    expect(isPending(g)).toBe(false);
  });
});

describe("expiring", () => {
  it("twice before the vCPU's loop looks is one event (6.1)", () => {
    const g = guest(KERNEL_6_1);
    setTimer(g, g.host.guestNow + MS);
    setTimer(g, g.host.guestNow);
    g.host.runUntil(g.host.now + MS);
    expect(g.log).toEqual(["unblock", "kick", "expire: deferred", "expire: coalesced-with-pending"]);
  });

  it("on a port the layout has no room for ends the timer without event", () => {
    const g = guest(KERNEL_6_12);
    g.xen.timer.setAttribute({ port: 4096, priority: PRIORITY, expiresNs: 1n });
    expect(g.log).toEqual(["expire: invalid-port"]);
    expect([g.xen.timer.pending, g.xen.timer.expiresNs]).toEqual([0, 0n]);
  });

  it("early under another flag than the future one is not refused (6.1)", () => {
    const g = guest(KERNEL_6_1);
    expect(singleshot(g, g.host.guestNow - 1n, 2)).toBe(0);
    expect(singleshot(g, g.host.guestNow - 1n, 3)).toBe(-62);
  });

  it("is pending for the loop only where hypercalls are intercepted", () => {
    const g = guest(KERNEL_6_1, { interceptHypercalls: false });
    setTimer(g, g.host.guestNow);
    expect([g.xen.timer.pending, g.xen.timer.hasPending]).toEqual([1, false]);
  });

  it("discarded by a stop, unless the event is set already", () => {
    const old = guest(KERNEL_6_1);
    setTimer(old, old.host.guestNow);
    setTimer(old, 0n);
    old.xen.prepareEntry();
    expect(isPending(old)).toBe(false);
    const fast = guest(KERNEL_6_12);
    setTimer(fast, fast.host.guestNow);
    setTimer(fast, 0n);
    expect(isPending(fast)).toBe(true);
  });
});

describe("the attribute", () => {
  it("wants two-level priority for a port, and changes nothing otherwise", () => {
    const g = guest(KERNEL_6_12);
    setTimer(g, g.host.guestNow + MS);
    expect(g.xen.timer.setAttribute({ port: 5, priority: 0, expiresNs: 0n })).toBe(-22);
    expect([g.xen.timer.port, g.xen.timer.hrtimerArmed]).toEqual([PORT, true]);
  });

  it("with port 0 disables, whatever the priority: hypercalls go to user space", () => {
    const g = guest(KERNEL_6_12);
    setTimer(g, g.host.guestNow + MS);
    expect(g.xen.timer.setAttribute({ port: 0, priority: 0, expiresNs: 5n })).toBe(0);
    expect([g.xen.timer.enabled, g.xen.timer.hrtimerArmed, g.xen.timer.expiresNs]).toEqual([
      false,
      false,
      0n,
    ]);
    expect(setTimer(g, 5n)).toMatchObject({ kind: "user-space" });
  });

  it("restores a far timeout without the workaround", () => {
    const g = guest(KERNEL_6_1);
    const expiresNs = g.host.guestNow + 2n ** 51n;
    g.xen.timer.setAttribute({ port: PORT, priority: PRIORITY, expiresNs });
    expect(g.xen.timer.getAttribute()).toEqual({ port: PORT, priority: PRIORITY, expiresNs });
  });

  it("carries a running timer over: same guest instant, another host's clock", () => {
    const source = guest(KERNEL_6_12);
    const destination = guest(KERNEL_6_12);
    destination.host.hasVcpuClock = false;
    setTimer(source, source.host.guestNow + 5n * MS);
    destination.host.now += 2n * MS;
    destination.xen.timer.setAttribute(source.xen.timer.getAttribute());
    expect(destination.xen.timer.hrtimerExpiresNs - destination.host.now).toBe(3n * MS);
  });
});

describe("a caller's mistake", () => {
  const { options } = guest(KERNEL_6_12);
  const parts = { ...options, delivery: guest(KERNEL_6_12).xen.channels };
  const timer = new XenTimer(parts);
  const state = { port: 0, expiresNs: "0", pending: 0, hrtimerExpiresNs: null };

  it.each([
    ["a timeout below 0", () => timer.start(-1n, "none"), RangeError],
    ["a timeout that is a number", () => timer.start(1 as unknown as bigint, "none"), TypeError],
    ["an unknown workaround", () => timer.start(1n, "windows" as "linux"), RangeError],
    ["a singleshot timeout of 2^64", () => timer.startSingleshot(2n ** 64n, 0), RangeError],
    ["flags of 33 bits", () => timer.startSingleshot(0n, 2 ** 32), RangeError],
    ["a port of -1", () => timer.setAttribute({ port: -1, priority: 0, expiresNs: 0n }), RangeError],
    ["a priority of 1.5", () => timer.setAttribute({ port: 1, priority: 1.5, expiresNs: 0n }), RangeError],
    ["an expiry of -1", () => timer.setAttribute({ port: 1, priority: 0, expiresNs: -1n }), RangeError],
    ["a saved port of 2^32", () => XenTimer.fromState({ ...state, port: 2 ** 32 }, parts), RangeError],
    ["two pending", () => XenTimer.fromState({ ...state, pending: 2 }, parts), RangeError],
    ["a saved expiry below 0", () => XenTimer.fromState({ ...state, expiresNs: "-1" }, parts), RangeError],
    [
      "a saved expiry of words",
      () => XenTimer.fromState({ ...state, expiresNs: "soon" }, parts),
      SyntaxError,
    ],
    [
      "a timeout nothing waits for",
      () => XenTimer.fromState({ ...state, expiresNs: "5" }, parts),
      RangeError,
    ],
    [
      "an hrtimer beyond 64 bits",
      () => XenTimer.fromState({ ...state, hrtimerExpiresNs: (2n ** 63n).toString() }, parts),
      RangeError,
    ],
    [
      "a behaviour no kernel has",
      () => new XenTimer({ ...parts, behaviours: { xenStart: "guess" as "single-sample" } }),
      RangeError,
    ],
  ])("throws: %s", (_title, act, error) => {
    expect(act).toThrow(error);
  });

  it("is named with the argument", () => {
    expect(() => timer.start(-1n, "none")).toThrow(
      "XenTimer.start: expected guestAbsNs to be an unsigned 64-bit value, got -1",
    );
  });
});

it("6.1's behaviours are the oldest of every axis", () => {
  expect(KERNEL_6_1).toEqual(
    Object.fromEntries(Object.entries(XEN_TIMER_BEHAVIOURS).map(([axis, [oldest]]) => [axis, oldest])),
  );
});

it("a HostClock is a host clock for it", () => {
  const asXen = (clock: HostClock): XenHostClock => clock;
  const clock = guest(KERNEL_6_12).host as unknown as HostClock;
  expect(asXen(clock)).toBe(clock);
});
