import { describe, expect, it } from "vitest";
import { ABS, CLOCK_REALTIME, CLOCK_TAI, KTIME_MAX, oneCpu, REL, SOFT } from "../test/one-cpu.js";
import { type Hrtimer, HrtimerDeadlockError } from "./index.js";

describe("a start outside the interrupt", () => {
  it("programs the device when the timer comes first, and only then", () => {
    const { cpu, timer, takeWrites } = oneCpu();
    timer("a").start(5000n, ABS);
    timer("b").start(6000n, ABS);
    timer("c").start(5000n, ABS);
    timer("d").start(4000n, ABS);
    expect(takeWrites()).toEqual([
      [5000n, "force"],
      [4000n, "force"],
    ]);
    expect(cpu.expiresNext).toBe(4000n);
    expect(cpu.nextTimer?.name).toBe("d");
  });

  it("writes the device once when it restarts the next timer, even if another one is next then", () => {
    const { timer, takeWrites } = oneCpu();
    const a = timer("a");
    a.start(5000n, ABS);
    timer("b").start(6000n, ABS);
    takeWrites();
    a.start(9000n, ABS);
    expect(takeWrites()).toEqual([[6000n, "force"]]);
  });

  it("writes it twice without forceLocal: once for the removal, once for the new first", () => {
    const { timer, takeWrites } = oneCpu({ forceLocal: "off" });
    const a = timer("a");
    a.start(5000n, ABS);
    takeWrites();
    a.start(4000n, ABS);
    expect(takeWrites()).toEqual([
      [KTIME_MAX, "force"],
      [4000n, "force"],
    ]);
  });

  it("skips the write when the restarted next timer keeps its expiry", () => {
    const { timer, takeWrites } = oneCpu();
    const a = timer("a");
    a.start(5000n, ABS);
    takeWrites();
    a.start(5000n, ABS);
    expect(takeWrites()).toEqual([]);
  });

  it("of an expiry that has passed is legal", () => {
    const { cpu, host, timer, takeWrites } = oneCpu();
    timer("late").start(1n, ABS);
    expect(takeWrites()).toEqual([[1n, "force"]]);
    cpu.interrupt();
    expect(host.fired).toEqual([["late", 1000n]]);
  });

  it("relative, counts from now on the timer's own clock and saturates", () => {
    const { timer } = oneCpu();
    const wall = timer("wall", undefined, { clock: CLOCK_TAI });
    wall.start(100n, REL);
    expect(wall.expiresNs).toBe(1000n + 37n + 100n);
    wall.start(KTIME_MAX, REL);
    expect(wall.expiresNs).toBe(KTIME_MAX);
  });

  it("of a negative absolute time is queued at KTIME_MAX and never programmed", () => {
    const { timer, takeWrites } = oneCpu();
    const odd = timer("odd");
    odd.start(-5n, ABS);
    expect([odd.softExpiresNs, odd.expiresNs, odd.isQueued]).toEqual([-5n, KTIME_MAX, true]);
    expect(takeWrites()).toEqual([]);
  });

  it("programs 0 for an expiry before the offset of its clock", () => {
    const { timer, takeWrites } = oneCpu();
    timer("old", undefined, { clock: CLOCK_REALTIME }).start(1n, ABS);
    expect(takeWrites()).toEqual([[0n, "force"]]);
  });

  it("warns when the SOFT bit differs from the timer's", () => {
    const { host, timer } = oneCpu();
    timer("hard").start(5000n, SOFT);
    expect(host.warnings.map(({ kind }) => kind)).toEqual(["mode-mismatch"]);
  });
});

describe("cancel", () => {
  it("of the next timer programs its successor", () => {
    const { timer, takeWrites } = oneCpu();
    const a = timer("a");
    a.start(5000n, ABS);
    timer("b").start(6000n, ABS);
    takeWrites();
    expect(a.tryToCancel()).toBe(1);
    expect(takeWrites()).toEqual([[6000n, "force"]]);
  });

  it("of the only timer stops the device", () => {
    const { cpu, timer, takeWrites } = oneCpu();
    const a = timer("a");
    a.start(5000n, ABS);
    takeWrites();
    expect(a.cancel()).toBe(true);
    expect(takeWrites()).toEqual([[KTIME_MAX, "force"]]);
    expect([a.cancel(), a.tryToCancel(), cpu.queued, cpu.activeBases]).toEqual([false, 0, 0, 0]);
  });

  it("writes nothing when a timer of equal expiry follows", () => {
    const { timer, takeWrites } = oneCpu();
    const a = timer("a");
    a.start(5000n, ABS);
    timer("b").start(5000n, ABS);
    takeWrites();
    a.cancel();
    expect(takeWrites()).toEqual([]);
  });

  it("from its own callback is a deadlock; tryToCancel says −1", () => {
    const { cpu, timer } = oneCpu();
    const results: unknown[] = [];
    timer("self", (self) => {
      const own = self as Hrtimer;
      results.push(own.tryToCancel(), own.active, own.isQueued);
      own.start(9000n, ABS);
      results.push(own.tryToCancel());
      expect(() => own.cancel()).toThrow(HrtimerDeadlockError);
      return undefined;
    }).start(1000n, ABS);
    cpu.interrupt();
    expect(results).toEqual([-1, true, false, -1]);
  });
});

describe("createTimer", () => {
  it.each([
    ["CLOCK_MONOTONIC_RAW", 4],
    ["CLOCK_PROCESS_CPUTIME_ID", 2],
    ["no clock at all", -1],
  ])("puts %s on CLOCK_MONOTONIC with a warning", (_title, clock) => {
    const { host, timer } = oneCpu();
    expect(timer("raw", undefined, { clock }).clock).toBe(1);
    expect(host.warnings).toMatchObject([{ kind: "unknown-clock", clock }]);
  });

  it("puts a relative CLOCK_REALTIME timer on CLOCK_MONOTONIC", () => {
    const { host, timer } = oneCpu();
    expect(timer("sleep", undefined, { clock: CLOCK_REALTIME, mode: REL }).clock).toBe(1);
    expect(timer("alarm", undefined, { clock: CLOCK_REALTIME }).clock).toBe(0);
    expect(host.warnings).toEqual([]);
  });
});

describe("an Hrtimer", () => {
  it("reports what remains, negative once it has passed", () => {
    const { host, timer } = oneCpu();
    const a = timer("a");
    a.start(1500n, ABS);
    expect(a.getRemaining()).toBe(500n);
    host.now = 1501n;
    expect(a.getRemaining()).toBe(-1n);
  });

  it("restarts with its soft expiry and slack", () => {
    const { timer } = oneCpu();
    const a = timer("a");
    a.startRange(1500n, 20n, ABS);
    a.cancel();
    a.addExpires(100n);
    a.restart();
    expect([a.softExpiresNs, a.expiresNs, a.armed]).toEqual([1600n, 1620n, true]);
  });

  it("is not moved by forward while queued, with a warning if it has expired", () => {
    const { host, timer } = oneCpu();
    const a = timer("a");
    a.start(1500n, ABS);
    expect([a.forward(1400n, 10n), host.warnings]).toEqual([0n, []]);
    expect([a.forward(1600n, 10n), a.expiresNs]).toEqual([0n, 1500n]);
    expect(host.warnings.map(({ kind }) => kind)).toEqual(["forward-while-queued"]);
  });

  it.each([
    ["setExpires", (a: Hrtimer) => a.setExpires(1n)],
    ["setExpiresRange", (a: Hrtimer) => a.setExpiresRange(1n, 1n)],
    ["addExpires", (a: Hrtimer) => a.addExpires(1n)],
  ])("refuses %s while queued, which would corrupt the order", (name, call) => {
    const { timer } = oneCpu();
    const a = timer("a");
    call(a);
    a.start(1500n, ABS);
    expect(() => call(a)).toThrow(`${name}: expected timer "a" not to be queued, got a queued one`);
  });

  it.each([
    ["start", (a: Hrtimer) => a.start(2n ** 63n, ABS), RangeError],
    ["start", (a: Hrtimer) => a.start(1 as unknown as bigint, ABS), TypeError],
    ["start", (a: Hrtimer) => a.start(1n, 16), RangeError],
    ["start", (a: Hrtimer) => a.start(1n, 0.5), RangeError],
    ["startRange", (a: Hrtimer) => a.startRange(1n, -1n, ABS), RangeError],
    ["startRange", (a: Hrtimer) => a.startRange(-(2n ** 63n) - 1n, 1n, ABS), RangeError],
    ["startRange", (a: Hrtimer) => a.startRange(1n, 1n, -1), RangeError],
    ["startExpires", (a: Hrtimer) => a.startExpires(Number.NaN), RangeError],
    ["forward", (a: Hrtimer) => a.forward(2n ** 63n, 1n), RangeError],
    ["forward", (a: Hrtimer) => a.forward(1n, 1 as unknown as bigint), TypeError],
    ["forward", (a: Hrtimer) => a.forwardNow(2n ** 63n), RangeError],
    ["setExpires", (a: Hrtimer) => a.setExpires(2n ** 63n), RangeError],
    ["setExpiresRange", (a: Hrtimer) => a.setExpiresRange(0n, 2n ** 64n), RangeError],
    ["addExpires", (a: Hrtimer) => a.addExpires(2n ** 63n), RangeError],
  ])("%s refuses an argument outside its width", (name, call, error) => {
    const { timer } = oneCpu();
    const a = timer("a");
    expect(() => call(a)).toThrow(error);
    expect(() => call(a)).toThrow(`${name}: expected`);
  });
});
