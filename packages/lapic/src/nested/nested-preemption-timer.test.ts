import { VcpuTsc } from "@chronovisor/clocksource";
import { HRTIMER_MODE_ABS, HRTIMER_MODE_PINNED } from "@chronovisor/hrtimer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeHost } from "../../test/fake-host.js";
import { NestedPreemptionTimer } from "../index.js";

function nested({ ppm = 0, khz = 2_500_000, uptimeSeconds = 10 } = {}) {
  const host = new FakeHost({ ppm, uptimeSeconds });
  let expiries = 0;
  const tsc = new VcpuTsc({ hostTscKhz: 2_500_000, userTscKhz: khz, vendor: "vmx" });
  const parts = {
    clock: host,
    tsc,
    createTimer: host.createTimer,
    onExpire: () => {
      expiries += 1;
    },
  };
  const timer = new NestedPreemptionTimer(parts);
  const [hrtimer] = host.timers;
  if (hrtimer === undefined) throw new Error("no timer was created");
  return { host, parts, timer, hrtimer, expiries: () => expiries };
}

describe("an entry of L2", () => {
  it("arms for the value at rate shift 5, pinned", () => {
    const { host, timer, hrtimer } = nested();
    expect(timer.enter(1_000_000)).toBe("armed");
    expect(hrtimer.expiresNs - host.mono).toBe(12_800_000n);
    expect(hrtimer.mode).toBe(HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED);
  });

  it("arms a later entry for what is left, whatever value it brings", () => {
    const { host, timer, hrtimer } = nested();
    timer.enter(1_000_000);
    timer.pause();
    host.spend(6_400_000n);
    expect(timer.enter(77)).toBe("armed");
    expect(hrtimer.expiresNs - host.mono).toBe(6_400_000n);
  });

  it("with nothing left expires at once", () => {
    const { host, timer, hrtimer } = nested();
    expect([timer.enter(0), hrtimer.armed]).toEqual(["expired", false]);
    const other = nested();
    other.timer.enter(1000);
    other.host.now += 32_000n;
    expect(other.timer.enter(1000)).toBe("expired");
    expect(host.now).toBeGreaterThan(0n);
  });

  it("after its deadline arms for an alias of the wrapped remainder", () => {
    const { host, timer, hrtimer } = nested();
    timer.enter(1000);
    host.now += 32_032n;
    expect(timer.enter(1000)).toBe("armed");
    const wrapped = BigInt.asUintN(64, -32n * 1_000_000n) / 2_500_000n;
    expect(hrtimer.expiresNs - host.mono).toBe(wrapped);
  });

  it("forgets the deadline when L2 leaves to L1", () => {
    const { timer, hrtimer } = nested();
    timer.enter(1000);
    timer.exitToL1();
    expect([timer.deadline, hrtimer.armed]).toEqual([undefined, false]);
  });

  it("arms nothing for a guest without a frequency", () => {
    expect(nested({ khz: 0 }).timer.enter(1000)).toBe("unarmed");
  });

  it("tells its owner when the hrtimer runs out, and stays disarmed", () => {
    const { timer, hrtimer, expiries } = nested();
    timer.enter(1000);
    expect([hrtimer.fire(), expiries(), hrtimer.armed]).toEqual([false, 1, false]);
  });
});

describe("under NTP the exit misses the TSC by the slew (12.8 ms)", () => {
  it.each([
    [500, -15_992n],
    [-500, 16_009n],
    [50, -1599n],
    [-50, 1601n],
  ])("%i ppm: %i cycles", (ppm, error) => {
    const { host, timer, hrtimer } = nested({ ppm });
    const start = host.now;
    timer.enter(1_000_000);
    host.moveTo(hrtimer.expiresNs);
    const miss = host.now - start - 32_000_000n;
    // The exit's cycle is rounded up, and the start's CLOCK_MONOTONIC sample truncates up to 3 cycles.
    expect(miss - error <= 0n && error - miss <= 3n).toBe(true);
  });
});

describe("state and arguments", () => {
  it("round trips, armed or not", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffff_ffff }), fc.boolean(), (value, paused) => {
        const { timer, parts } = nested();
        expect(NestedPreemptionTimer.fromState(timer.state(), parts).state()).toEqual(timer.state());
        timer.enter(value);
        if (paused) timer.pause();
        const state = JSON.parse(JSON.stringify(timer.state()));
        expect(NestedPreemptionTimer.fromState(state, parts).state()).toEqual(state);
      }),
    );
  });

  it("refuses a value or deadline out of width", () => {
    const { timer, parts } = nested();
    expect(() => timer.enter(2 ** 32)).toThrow("NestedPreemptionTimer.enter: expected value");
    expect(() => NestedPreemptionTimer.fromState({ deadline: "-1", hrtimerExpiresNs: null }, parts)).toThrow(
      "NestedPreemptionTimer.fromState: expected deadline",
    );
    const beyond = { deadline: null, hrtimerExpiresNs: (2n ** 63n).toString() };
    expect(() => NestedPreemptionTimer.fromState(beyond, parts)).toThrow(
      "NestedPreemptionTimer.fromState: expected hrtimerExpiresNs",
    );
  });
});
