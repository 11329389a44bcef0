import { monotonicNs } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { ABS, CLOCK_REALTIME, HARD, KTIME_MAX, type OneCpu, oneCpu, SOFT } from "../test/one-cpu.js";
import type { Hrtimer, OnExpiry } from "./index.js";

describe("a callback", () => {
  it("that returns nothing leaves the timer idle", () => {
    const { cpu, timer } = oneCpu();
    const a = timer("a");
    a.start(1000n, ABS);
    cpu.interrupt();
    expect([a.active, a.isQueued, cpu.expiresNext]).toEqual([false, false, KTIME_MAX]);
  });

  it("that returns its unchanged, passed expiry runs again at once", () => {
    const { cpu, host, timer } = oneCpu();
    let left = 3;
    timer("a", (self) => (left-- > 0 ? self.expiresNs : undefined)).start(900n, ABS);
    cpu.interrupt();
    expect(host.fired.length).toBe(4);
    expect(cpu.passes).toBe(1);
  });

  it("that starts its timer and asks for a restart gets the start only", () => {
    const { cpu, timer } = oneCpu();
    const a = timer("a", (self) => {
      self.start(monotonicNs(7000n), ABS);
      return monotonicNs(8000n);
    });
    a.start(1000n, ABS);
    cpu.interrupt();
    expect([a.expiresNs, cpu.queued]).toEqual([7000n, 1]);
  });

  it("keeps its slack when it returns the expiry that forward left", () => {
    const { cpu, timer } = oneCpu();
    const a = timer("a", (self) => {
      (self as Hrtimer).forwardNow(500n);
      return self.expiresNs;
    });
    a.startRange(900n, 50n, ABS);
    cpu.interrupt();
    expect([a.softExpiresNs, a.expiresNs]).toEqual([1400n, 1450n]);
  });

  it("loses its slack when it returns another instant", () => {
    const { cpu, timer } = oneCpu();
    const a = timer("a", () => monotonicNs(2000n));
    a.startRange(900n, 50n, ABS);
    cpu.interrupt();
    expect([a.softExpiresNs, a.expiresNs]).toEqual([2000n, 2000n]);
  });

  it("writes no device: the interrupt programs what is next at its end", () => {
    const { cpu, timer, takeWrites } = oneCpu();
    const other = timer("other");
    const later = timer("later");
    later.start(9000n, ABS);
    timer("a", () => {
      later.start(3000n, ABS);
      other.start(2000n, ABS);
      other.tryToCancel();
      return undefined;
    }).start(1000n, ABS);
    takeWrites();
    cpu.interrupt();
    expect(takeWrites()).toEqual([[3000n, "attempt"]]);
  });

  it("that cancels the CPU's next timer writes no device either", () => {
    const { cpu, timer, takeWrites } = oneCpu();
    const wall = timer("wall, next", undefined, { clock: CLOCK_REALTIME });
    wall.start(1300n, ABS); // 800 on CLOCK_MONOTONIC
    timer("monotonic, scanned first", () => {
      wall.tryToCancel();
      return undefined;
    }).start(900n, ABS);
    expect(cpu.nextTimer?.name).toBe("wall, next");
    takeWrites();
    cpu.interrupt();
    expect(takeWrites()).toEqual([[KTIME_MAX, "attempt"]]);
  });

  it("that throws ends the interrupt, and the CPU is usable again", () => {
    const { cpu, host, timer } = oneCpu();
    const a = timer("a", () => {
      throw new Error("broken callback");
    });
    a.start(1000n, ABS);
    timer("b").start(1000n, ABS);
    expect(() => cpu.interrupt()).toThrow("broken callback");
    expect([a.active, cpu.inHrtirq]).toEqual([false, false]);
    cpu.interrupt();
    expect(host.fired.map(([name]) => name)).toEqual(["a", "b"]);
  });

  it("must not call the interrupt", () => {
    const { cpu, timer } = oneCpu();
    timer("a", () => {
      cpu.interrupt();
      return undefined;
    }).start(1000n, ABS);
    expect(() => cpu.interrupt()).toThrow(
      "interrupt: expected CPU 0 outside its timer callbacks, got a nested call",
    );
  });
});

describe("slack", () => {
  it("lets a timer fire from its soft expiry on, while the device waits for the hard one", () => {
    const { cpu, host, timer, takeWrites } = oneCpu();
    timer("a").startRange(2000n, 500n, ABS);
    expect(takeWrites()).toEqual([[2500n, "force"]]);
    host.now = 1999n;
    cpu.interrupt();
    expect(host.fired).toEqual([]);
    host.now = 2000n;
    cpu.interrupt();
    expect(host.fired).toEqual([["a", 2000n]]);
  });

  it("does not help a timer behind a head that may not fire yet", () => {
    const { cpu, host, timer } = oneCpu();
    timer("head").start(2500n, ABS);
    timer("behind").startRange(1000n, 2000n, ABS);
    cpu.interrupt();
    expect(host.fired).toEqual([]);
  });
});

describe("horizon", () => {
  const horizonOf = (arrange: (m: OneCpu) => void, clock?: number): bigint => {
    const m = oneCpu();
    let horizon = -1n;
    const a = m.timer(
      "a",
      (self) => {
        horizon = m.cpu.horizon(self as Hrtimer);
        return undefined;
      },
      clock === undefined ? {} : { clock },
    );
    a.start(100n, ABS);
    arrange(m);
    m.cpu.interrupt();
    return horizon;
  };

  it("is the pass's now when nothing else is due", () => {
    expect(horizonOf(({ timer }) => timer("later").start(1001n, ABS))).toBe(1000n);
    expect(horizonOf(() => undefined)).toBe(1000n);
  });

  it("is just before the next timer of the same base, which would go first on a tie", () => {
    expect(horizonOf(({ timer }) => timer("b").start(700n, ABS))).toBe(699n);
  });

  it("ignores other bases and is on CLOCK_MONOTONIC", () => {
    expect(horizonOf(({ timer }) => timer("b").start(700n, ABS), CLOCK_REALTIME)).toBe(1000n);
    expect(
      horizonOf(
        ({ timer }) => timer("b", undefined, { clock: CLOCK_REALTIME }).start(700n, ABS),
        CLOCK_REALTIME,
      ),
    ).toBe(199n);
  });

  it("predicts exactly which re-arms run again in the pass with nothing in between", () => {
    for (const target of [698n, 699n, 700n, 701n]) {
      const { cpu, host, timer } = oneCpu();
      const runs: boolean[] = [];
      const a = timer("a", (self) => {
        runs.push(target <= cpu.horizon(self as Hrtimer));
        return runs.length === 1 ? monotonicNs(target) : undefined;
      });
      a.start(100n, ABS);
      timer("b").start(700n, ABS);
      cpu.interrupt();
      expect(host.fired[1]?.[0] === "a").toBe(runs[0]);
    }
  });

  it("does not mind that the callback has started its timer already", () => {
    const { cpu, timer } = oneCpu();
    const horizons: bigint[] = [];
    timer("a", (self) => {
      self.start(monotonicNs(5000n), ABS);
      horizons.push(cpu.horizon(self as Hrtimer));
      self.start(monotonicNs(600n), ABS);
      horizons.push(cpu.horizon(self as Hrtimer));
      self.start(monotonicNs(1500n), ABS);
      return undefined;
    }).start(100n, ABS);
    timer("b").start(700n, ABS);
    cpu.interrupt();
    expect(horizons).toEqual([699n, 699n]);
  });

  it("is refused outside the timer's callback", () => {
    const { cpu, timer } = oneCpu();
    const idle = timer("idle");
    expect(() => cpu.horizon(idle)).toThrow("horizon: expected a timer whose callback is running on CPU 0");
  });
});

describe("soft timers", () => {
  it("are raised by the interrupt and run by the softirq", () => {
    const { cpu, host, timer, takeWrites } = oneCpu();
    timer("soft", undefined, { mode: SOFT }).start(2000n, SOFT);
    expect(takeWrites()).toEqual([[2000n, "force"]]);
    host.now = 2000n;
    cpu.interrupt();
    expect([host.fired, host.softirqs, cpu.softirqActivated]).toEqual([[], 1, true]);
    expect([cpu.expiresNext, cpu.softExpiresNext]).toEqual([KTIME_MAX, KTIME_MAX]);
    cpu.runSoftirq();
    expect([host.fired, cpu.softirqActivated]).toEqual([[["soft", 2000n]], false]);
  });

  it("are neither programmed nor raised again while the softirq is pending", () => {
    const { cpu, host, timer, takeWrites } = oneCpu();
    timer("soft", undefined, { mode: SOFT }).start(900n, SOFT);
    cpu.interrupt();
    takeWrites();
    timer("another", undefined, { mode: SOFT }).start(1100n, SOFT);
    cpu.interrupt();
    expect([takeWrites(), host.softirqs]).toEqual([[[KTIME_MAX, "attempt"]], 1]);
    cpu.runSoftirq();
    expect(takeWrites()).toEqual([[1100n, "force"]]);
    expect(cpu.softExpiresNext).toBe(1100n);
  });

  it("count as the next event only when strictly before the hard ones", () => {
    const { cpu, timer } = oneCpu();
    timer("soft", undefined, { mode: SOFT }).start(2000n, SOFT);
    const hard = timer("hard");
    hard.start(2000n, ABS);
    cpu.retrigger();
    expect(cpu.nextTimer?.name).toBe("hard");
    expect(cpu.softNextTimer?.name).toBe("soft");
  });

  it("on PREEMPT_RT are all timers that are not HARD", () => {
    const { timer, host } = oneCpu({ preemption: "rt" });
    expect(timer("plain").isSoft).toBe(true);
    const hard = timer("hard", undefined, { mode: HARD });
    expect(hard.isSoft).toBe(false);
    hard.start(5000n, ABS);
    expect(host.warnings.map(({ kind }) => kind)).toEqual(["mode-mismatch"]);
  });

  it.each(["none", "rt"] as const)("are those made both SOFT and HARD, preemption %s", (preemption) => {
    const { timer } = oneCpu({ preemption });
    expect(timer("both", undefined, { mode: SOFT | HARD }).isSoft).toBe(true);
  });
});

describe("what is told of a callback", () => {
  /** The events of a timer of one CPU, in order. */
  function told(onExpiry: OnExpiry): string[] {
    const log: string[] = [];
    const { cpu, timer } = oneCpu({
      events: {
        onStart: (one, mode) => log.push(`start ${one.expiresNs} mode ${mode}`),
        onExpire: () => log.push("expire"),
        onExpired: () => log.push("expired"),
        onRestart: (one) => log.push(`restart ${one.expiresNs}`),
      },
    });
    timer("a", (self) => {
      log.push("callback");
      return onExpiry(self);
    }).start(1000n, ABS);
    cpu.interrupt();
    return log;
  }

  it("is its begin and its end", () => {
    expect(told(() => undefined)).toEqual(["start 1000 mode 0", "expire", "callback", "expired"]);
  });

  it("is that its timer is queued again, after its end", () => {
    expect(told(() => monotonicNs(2000n))).toEqual([
      "start 1000 mode 0",
      "expire",
      "callback",
      "expired",
      "restart 2000",
    ]);
  });

  it("is a start where it starts its timer itself", () => {
    const log = told((self) => {
      self.start(monotonicNs(3000n), ABS);
      return monotonicNs(4000n);
    });
    expect(log.slice(2)).toEqual(["callback", "start 3000 mode 0", "expired"]);
  });
});
