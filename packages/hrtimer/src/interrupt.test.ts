import { monotonicNs } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { ABS, CLOCK_REALTIME, KTIME_MAX, oneCpu } from "../test/one-cpu.js";
import { type Hrtimer, HrtimerLoopError } from "./index.js";

const MS = 1_000_000n;

describe("the interrupt", () => {
  it("scans the clocks in index order, not in time order", () => {
    const { cpu, host, timer } = oneCpu();
    timer("realtime, earlier", undefined, { clock: CLOCK_REALTIME }).start(1100n, ABS); // 600 on CLOCK_MONOTONIC
    timer("monotonic, later").start(900n, ABS);
    cpu.interrupt();
    expect(host.fired.map(([name]) => name)).toEqual(["monotonic, later", "realtime, earlier"]);
  });

  it("leaves a base that was empty when the pass began to the next pass", () => {
    const { cpu, host, timer } = oneCpu();
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
    const { cpu, host, timer } = oneCpu();
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
    const { cpu, host, timer } = oneCpu();
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
    const { cpu, host, timer } = oneCpu();
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
    const { cpu, host, timer } = oneCpu();
    timer("slow", (self) => {
      host.now += 2n ** 32n;
      return monotonicNs(self.expiresNs + 2n ** 32n);
    }).start(1000n, ABS);
    cpu.interrupt();
    expect(cpu.maxHangNs).toBe(0);
  });

  it("names the timer that never lets go", () => {
    const { cpu, timer } = oneCpu({ maxCallbacksPerInterrupt: 1000 });
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
    const { system, cpu, timer } = oneCpu();
    let seen = -1;
    timer("a", () => {
      seen = system.currentCpu;
      return undefined;
    }).start(1000n, ABS);
    cpu.interrupt();
    expect(seen).toBe(0);
  });
});

describe("without high resolution", () => {
  it("timers expire from the tick, nothing is programmed, and forward steps in ticks", () => {
    const { cpu, host, timer, takeWrites } = oneCpu({ resolution: "low", tickNs: 4n * MS });
    const a = timer("a", (self) => {
      (self as Hrtimer).forwardNow(1n);
      return self.expiresNs;
    });
    a.start(1000n, ABS);
    cpu.interrupt();
    expect([host.fired, a.expiresNs, takeWrites()]).toEqual([[["a", 1000n]], 1000n + 4n * MS, []]);
  });
});
