import { monotonicNs } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import {
  type CreateTimerOptions,
  type Hrtimer,
  HrtimerDeadlockError,
  HrtimerLoopError,
  HrtimerSystem,
  type HrtimerSystemOptions,
  type HrtimerWarning,
  type OnExpiry,
} from "./index.js";

// Redeclared, so that a wrong constant in the source shows.
const KTIME_MAX = 2n ** 63n - 1n;
const ABS = 0;
const REL = 1;
const SOFT = 4;
const CLOCK_REALTIME = 0;
const CLOCK_TAI = 11;
const MS = 1_000_000n;

/** One CPU whose time stands still unless a test or a device write moves it. */
function machine(options: Partial<HrtimerSystemOptions> = {}) {
  const host = {
    now: 1000n,
    realtimeNs: 500n,
    sequence: 1,
    /** How far time moves at each device write. */
    writeCostNs: 0n,
    writes: [] as [bigint, string][],
    warnings: [] as HrtimerWarning[],
    softirqs: 0,
    fired: [] as [string, bigint][],
  };
  const device = {
    program(expiresNs: bigint, force: "attempt" | "force"): boolean {
      host.writes.push([expiresNs, force]);
      host.now += host.writeCostNs;
      return force === "force" || expiresNs === KTIME_MAX || expiresNs > host.now;
    },
  };
  const system = new HrtimerSystem({
    clock: {
      monotonicNs: () => monotonicNs(host.now),
      offsets: () => ({ sequence: host.sequence, realtimeNs: host.realtimeNs, boottimeNs: 0n, taiNs: 37n }),
    },
    cpus: [{ device }],
    events: {
      onWarning: (warning) => host.warnings.push(warning),
      onSoftirqRaised: () => host.softirqs++,
    },
    ...options,
  });
  const timer = (name: string, then: OnExpiry = () => undefined, more: CreateTimerOptions = {}): Hrtimer =>
    system.createTimer(
      (self) => {
        host.fired.push([name, host.now]);
        return then(self);
      },
      { name, ...more },
    );
  const takeWrites = (): [bigint, string][] => host.writes.splice(0);
  return { host, system, cpu: system.cpu(0), timer, takeWrites };
}

describe("a start outside the interrupt", () => {
  it("programs the device when the timer comes first, and only then", () => {
    const { cpu, timer, takeWrites } = machine();
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
    const { timer, takeWrites } = machine();
    const a = timer("a");
    a.start(5000n, ABS);
    timer("b").start(6000n, ABS);
    takeWrites();
    a.start(9000n, ABS);
    expect(takeWrites()).toEqual([[6000n, "force"]]);
  });

  it("writes it twice without forceLocal: once for the removal, once for the new first", () => {
    const { timer, takeWrites } = machine({ forceLocal: "off" });
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
    const { timer, takeWrites } = machine();
    const a = timer("a");
    a.start(5000n, ABS);
    takeWrites();
    a.start(5000n, ABS);
    expect(takeWrites()).toEqual([]);
  });

  it("of an expiry that has passed is legal", () => {
    const { cpu, host, timer, takeWrites } = machine();
    timer("late").start(1n, ABS);
    expect(takeWrites()).toEqual([[1n, "force"]]);
    cpu.interrupt();
    expect(host.fired).toEqual([["late", 1000n]]);
  });

  it("relative, counts from now on the timer's own clock and saturates", () => {
    const { timer } = machine();
    const wall = timer("wall", undefined, { clock: CLOCK_TAI });
    wall.start(100n, REL);
    expect(wall.expiresNs).toBe(1000n + 37n + 100n);
    wall.start(KTIME_MAX, REL);
    expect(wall.expiresNs).toBe(KTIME_MAX);
  });

  it("of a negative absolute time is queued at KTIME_MAX and never programmed", () => {
    const { timer, takeWrites } = machine();
    const odd = timer("odd");
    odd.start(-5n, ABS);
    expect([odd.softExpiresNs, odd.expiresNs, odd.isQueued]).toEqual([-5n, KTIME_MAX, true]);
    expect(takeWrites()).toEqual([]);
  });

  it("programs 0 for an expiry before the offset of its clock", () => {
    const { timer, takeWrites } = machine();
    timer("old", undefined, { clock: CLOCK_REALTIME }).start(1n, ABS);
    expect(takeWrites()).toEqual([[0n, "force"]]);
  });

  it("warns when the SOFT bit differs from the timer's", () => {
    const { host, timer } = machine();
    timer("hard").start(5000n, SOFT);
    expect(host.warnings.map(({ kind }) => kind)).toEqual(["mode-mismatch"]);
  });
});

describe("cancel", () => {
  it("of the next timer programs its successor", () => {
    const { timer, takeWrites } = machine();
    const a = timer("a");
    a.start(5000n, ABS);
    timer("b").start(6000n, ABS);
    takeWrites();
    expect(a.tryToCancel()).toBe(1);
    expect(takeWrites()).toEqual([[6000n, "force"]]);
  });

  it("of the only timer stops the device", () => {
    const { cpu, timer, takeWrites } = machine();
    const a = timer("a");
    a.start(5000n, ABS);
    takeWrites();
    expect(a.cancel()).toBe(true);
    expect(takeWrites()).toEqual([[KTIME_MAX, "force"]]);
    expect([a.cancel(), a.tryToCancel(), cpu.queued, cpu.activeBases]).toEqual([false, 0, 0, 0]);
  });

  it("writes nothing when a timer of equal expiry follows", () => {
    const { timer, takeWrites } = machine();
    const a = timer("a");
    a.start(5000n, ABS);
    timer("b").start(5000n, ABS);
    takeWrites();
    a.cancel();
    expect(takeWrites()).toEqual([]);
  });

  it("from its own callback is a deadlock; tryToCancel says −1", () => {
    const { cpu, timer } = machine();
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

describe("a callback", () => {
  it("that returns nothing leaves the timer idle", () => {
    const { cpu, timer } = machine();
    const a = timer("a");
    a.start(1000n, ABS);
    cpu.interrupt();
    expect([a.active, a.isQueued, cpu.expiresNext]).toEqual([false, false, KTIME_MAX]);
  });

  it("that returns its unchanged, passed expiry runs again at once", () => {
    const { cpu, host, timer } = machine();
    let left = 3;
    timer("a", (self) => (left-- > 0 ? self.expiresNs : undefined)).start(900n, ABS);
    cpu.interrupt();
    expect(host.fired.length).toBe(4);
    expect(cpu.passes).toBe(1);
  });

  it("that starts its timer and asks for a restart gets the start only", () => {
    const { cpu, timer } = machine();
    const a = timer("a", (self) => {
      self.start(monotonicNs(7000n), ABS);
      return monotonicNs(8000n);
    });
    a.start(1000n, ABS);
    cpu.interrupt();
    expect([a.expiresNs, cpu.queued]).toEqual([7000n, 1]);
  });

  it("keeps its slack when it returns the expiry that forward left", () => {
    const { cpu, timer } = machine();
    const a = timer("a", (self) => {
      (self as Hrtimer).forwardNow(500n);
      return self.expiresNs;
    });
    a.startRange(900n, 50n, ABS);
    cpu.interrupt();
    expect([a.softExpiresNs, a.expiresNs]).toEqual([1400n, 1450n]);
  });

  it("loses its slack when it returns another instant", () => {
    const { cpu, timer } = machine();
    const a = timer("a", () => monotonicNs(2000n));
    a.startRange(900n, 50n, ABS);
    cpu.interrupt();
    expect([a.softExpiresNs, a.expiresNs]).toEqual([2000n, 2000n]);
  });

  it("writes no device: the interrupt programs what is next at its end", () => {
    const { cpu, timer, takeWrites } = machine();
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
    const { cpu, timer, takeWrites } = machine();
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
    const { cpu, host, timer } = machine();
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
    const { cpu, timer } = machine();
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
    const { cpu, host, timer, takeWrites } = machine();
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
    const { cpu, host, timer } = machine();
    timer("head").start(2500n, ABS);
    timer("behind").startRange(1000n, 2000n, ABS);
    cpu.interrupt();
    expect(host.fired).toEqual([]);
  });
});

describe("the interrupt", () => {
  it("scans the clocks in index order, not in time order", () => {
    const { cpu, host, timer } = machine();
    timer("realtime, earlier", undefined, { clock: CLOCK_REALTIME }).start(1100n, ABS); // 600 on CLOCK_MONOTONIC
    timer("monotonic, later").start(900n, ABS);
    cpu.interrupt();
    expect(host.fired.map(([name]) => name)).toEqual(["monotonic, later", "realtime, earlier"]);
  });

  it("leaves a base that was empty when the pass began to the next pass", () => {
    const { cpu, host, timer } = machine();
    const wall = timer("wall", undefined, { clock: CLOCK_REALTIME });
    timer("a", () => {
      wall.start(1000n, ABS);
      return undefined;
    }).start(1000n, ABS);
    cpu.interrupt();
    expect(host.fired.map(([name]) => name)).toEqual(["a", "wall"]);
    expect([cpu.passes, cpu.nrRetries]).toEqual([2, 1]);
  });

  it("takes one more pass for a timer due after the pass was sampled but before the device is written", () => {
    const { cpu, host, timer } = machine();
    timer("a", () => {
      host.now = 1300n;
      return undefined;
    }).start(1000n, ABS);
    timer("b").start(1200n, ABS);
    host.writes.length = 0;
    cpu.interrupt();
    expect(host.fired).toEqual([
      ["a", 1000n],
      ["b", 1300n],
    ]);
    expect(host.writes).toEqual([
      [1200n, "attempt"],
      [KTIME_MAX, "attempt"],
    ]);
    expect([cpu.passes, cpu.nrEvents, cpu.nrRetries, cpu.nrHangs]).toEqual([2, 1, 1, 0]);
  });

  it.each([
    ["by the time it took, below 100 ms", 10n, 30n, 30n],
    ["by 100 ms, above", 60n * MS, 180n * MS, 100n * MS],
  ])("gives up after three failures and pushes the device out %s", (_title, perPass, took, delay) => {
    const { cpu, host, timer } = machine();
    const always = timer("always", (self) => {
      host.now += perPass;
      return monotonicNs(self.expiresNs + perPass);
    });
    always.start(1000n, ABS);
    host.writes.length = 0;
    cpu.interrupt();
    expect(host.fired.length).toBe(3);
    expect(host.writes.at(-1)).toEqual([1000n + took + delay, "force"]);
    expect(cpu.expiresNext).toBe(always.expiresNs);
    expect([cpu.hangDetected, cpu.nrHangs, cpu.nrRetries, cpu.maxHangNs]).toEqual([true, 1, 3, Number(took)]);
    expect(host.warnings).toEqual([{ kind: "interrupt-hang", cpu: 0, tookNs: took }]);
  });

  it("only records earlier starts while hung, and recovers at the next interrupt that succeeds", () => {
    const { cpu, host, timer } = machine();
    let left = 3;
    const a = timer("a", (self) => {
      host.now += 10n;
      return left-- > 0 ? monotonicNs(self.expiresNs + 10n) : undefined;
    });
    a.start(1000n, ABS);
    cpu.interrupt();
    host.writes.length = 0;
    const early = timer("early");
    early.start(1005n, ABS);
    expect([host.writes, cpu.expiresNext]).toEqual([[], 1005n]);
    cpu.interrupt();
    expect([cpu.hangDetected, cpu.queued]).toEqual([false, 0]);
  });

  it("remembers the longest hang in 32 bits", () => {
    const { cpu, host, timer } = machine();
    timer("slow", (self) => {
      host.now += 2n ** 32n;
      return monotonicNs(self.expiresNs + 2n ** 32n);
    }).start(1000n, ABS);
    cpu.interrupt();
    expect(cpu.maxHangNs).toBe(0);
  });

  it("names the timer that never lets go", () => {
    const { cpu, timer } = machine({ maxCallbacksPerInterrupt: 1000 });
    timer("innocent").start(1000n, ABS);
    timer("culprit", (self) => self.expiresNs).start(999n, ABS);
    const error = (() => {
      try {
        cpu.interrupt();
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(HrtimerLoopError);
    expect(error).toMatchObject({ timerName: "culprit", count: 1000, expiresNs: 999n });
  });

  it("runs with its CPU as the current one", () => {
    const { system, cpu, timer } = machine();
    let seen = -1;
    timer("a", () => {
      seen = system.currentCpu;
      return undefined;
    }).start(1000n, ABS);
    cpu.interrupt();
    expect(seen).toBe(0);
  });
});

describe("horizon", () => {
  const horizonOf = (arrange: (m: ReturnType<typeof machine>) => void, clock?: number): bigint => {
    const m = machine();
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
      const { cpu, host, timer } = machine();
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
    const { cpu, timer } = machine();
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
    const { cpu, timer } = machine();
    const idle = timer("idle");
    expect(() => cpu.horizon(idle)).toThrow("horizon: expected a timer whose callback is running on CPU 0");
  });
});

describe("soft timers", () => {
  it("are raised by the interrupt and run by the softirq", () => {
    const { cpu, host, timer, takeWrites } = machine();
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
    const { cpu, host, timer, takeWrites } = machine();
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
    const { cpu, timer } = machine();
    timer("soft", undefined, { mode: SOFT }).start(2000n, SOFT);
    const hard = timer("hard");
    hard.start(2000n, ABS);
    cpu.retrigger();
    expect(cpu.nextTimer?.name).toBe("hard");
    expect(cpu.softNextTimer?.name).toBe("soft");
  });

  it("on PREEMPT_RT are all timers that are not HARD", () => {
    const HARD = 8;
    const { timer, host } = machine({ preemption: "rt" });
    expect(timer("plain").isSoft).toBe(true);
    const hard = timer("hard", undefined, { mode: HARD });
    expect(hard.isSoft).toBe(false);
    hard.start(5000n, ABS);
    expect(host.warnings.map(({ kind }) => kind)).toEqual(["mode-mismatch"]);
  });
});

describe("without high resolution", () => {
  it("timers expire from the tick, nothing is programmed, and forward steps in ticks", () => {
    const { cpu, host, timer, takeWrites } = machine({ resolution: "low", tickNs: 4n * MS });
    const a = timer("a", (self) => {
      (self as Hrtimer).forwardNow(1n);
      return self.expiresNs;
    });
    a.start(1000n, ABS);
    cpu.interrupt();
    expect([host.fired, a.expiresNs, takeWrites()]).toEqual([[["a", 1000n]], 1000n + 4n * MS, []]);
  });
});

describe("createTimer", () => {
  it.each([
    ["CLOCK_MONOTONIC_RAW", 4],
    ["CLOCK_PROCESS_CPUTIME_ID", 2],
    ["no clock at all", -1],
  ])("puts %s on CLOCK_MONOTONIC with a warning", (_title, clock) => {
    const { host, timer } = machine();
    expect(timer("raw", undefined, { clock }).clock).toBe(1);
    expect(host.warnings).toMatchObject([{ kind: "unknown-clock", clock }]);
  });

  it("puts a relative CLOCK_REALTIME timer on CLOCK_MONOTONIC", () => {
    const { host, timer } = machine();
    expect(timer("sleep", undefined, { clock: CLOCK_REALTIME, mode: REL }).clock).toBe(1);
    expect(timer("alarm", undefined, { clock: CLOCK_REALTIME }).clock).toBe(0);
    expect(host.warnings).toEqual([]);
  });
});

describe("an Hrtimer", () => {
  it("reports what remains, negative once it has passed", () => {
    const { host, timer } = machine();
    const a = timer("a");
    a.start(1500n, ABS);
    expect(a.getRemaining()).toBe(500n);
    host.now = 1501n;
    expect(a.getRemaining()).toBe(-1n);
  });

  it("restarts with its soft expiry and slack", () => {
    const { timer } = machine();
    const a = timer("a");
    a.startRange(1500n, 20n, ABS);
    a.cancel();
    a.addExpires(100n);
    a.restart();
    expect([a.softExpiresNs, a.expiresNs, a.armed]).toEqual([1600n, 1620n, true]);
  });

  it("is not moved by forward while queued, with a warning if it has expired", () => {
    const { host, timer } = machine();
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
    const { timer } = machine();
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
    const { timer } = machine();
    const a = timer("a");
    expect(() => call(a)).toThrow(error);
    expect(() => call(a)).toThrow(`${name}: expected`);
  });
});
