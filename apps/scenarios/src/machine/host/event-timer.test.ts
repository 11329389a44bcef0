import type { HostTsc, MonotonicNs } from "@chronovisor/clocksource";
import { KTIME_MAX } from "@chronovisor/hrtimer";
import { describe, expect, it } from "vitest";
import { Engine } from "../engine/engine.js";
import { createEventTimer, type EventTimer, type EventTimerKind } from "./event-timer.js";
import { HostTime } from "./host-time.js";
import { steerTo } from "./steer.js";

const HZ = 2_500_000_000n;
const ns = (n: bigint): MonotonicNs => n as MonotonicNs;

function device(kind: EventTimerKind, minDelta = 0n): { engine: Engine; time: HostTime; timer: EventTimer } {
  const engine = new Engine(0n as HostTsc);
  const time = new HostTime(engine, HZ, { kind: "tsc", tscKhz: 2_500_000, hz: 250 });
  const timer = createEventTimer(engine, time, { kind, minDelta, tscKhz: 2_500_000 });
  time.onRateChange = () => timer.rateChanged();
  return { engine, time, timer };
}

/** CLOCK_MONOTONIC when the device fires, programmed for `forNs` under a slew. */
function firesAt(kind: EventTimerKind, forNs: bigint, slewPpb: bigint, laterPpb = slewPpb): bigint {
  const { engine, time, timer } = device(kind);
  steerTo(time.timekeeper, slewPpb);
  timer.program(ns(forNs), "attempt");
  if (laterPpb !== slewPpb) {
    engine.spend(HZ / 1000n);
    steerTo(time.timekeeper, laterPpb);
  }
  engine.spend((timer.fireAt ?? 0n) - engine.now);
  return time.monotonicNs();
}

describe("every device", () => {
  it.each<EventTimerKind>(["ideal", "fixed-mult", "coupled"])(
    "%s stops, refuses the past, and takes it when forced",
    (kind) => {
      const { engine, timer } = device(kind, 2_500n);
      engine.spend(HZ);
      expect(timer.program(ns(KTIME_MAX), "attempt")).toBe(true);
      expect(timer.fireAt).toBeUndefined();
      expect(timer.program(ns(1n), "attempt")).toBe(false);
      expect(timer.program(ns(1n), "force")).toBe(true);
      const after = (timer.fireAt ?? 0n) - engine.now;
      // 1 µs is 312 ticks of 8 cycles to the kernel's device, 2500 cycles to the others.
      expect(after).toBe(kind === "fixed-mult" ? 2_496n : 2_500n);
      timer.fired();
      expect(timer.fireAt).toBeUndefined();
    },
  );
});

describe("a wait of 100 ms on a clock 500 ppm fast", () => {
  it.each<[EventTimerKind, bigint]>([
    ["ideal", 100_000_000n],
    ["coupled", 100_000_000n],
    // 100 ms of the TSC, in which CLOCK_MONOTONIC counts 50 µs more, less its rounding and the dither of its multiplier.
    ["fixed-mult", 100_049_987n],
  ])("%s fires when CLOCK_MONOTONIC reads %d", (kind, expected) => {
    expect(firesAt(kind, 100_000_000n, 500_000n)).toBe(expected);
  });
});

describe("a wait of 100 ms that begins without a slew, 500 ppm slow after a millisecond", () => {
  it.each<[EventTimerKind, bigint]>([
    ["ideal", 100_000_000n],
    // 99 ms · 500 ppm early, to be programmed again.
    ["coupled", 99_950_491n],
    ["fixed-mult", 99_950_485n],
  ])("%s fires when CLOCK_MONOTONIC reads %d", (kind, expected) => {
    expect(firesAt(kind, 100_000_000n, 0n, -500_000n)).toBe(expected);
  });
});
