import { hostTsc, monotonicNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClockEventDevice, HrtimerSystem, TscDeadlineTimer } from "./index.js";

const KTIME_MAX = monotonicNs(2n ** 63n - 1n);
const U64_MAX = 2n ** 64n - 1n;

/** Hardware that refuses its next `refusals` settings. */
function bench(options: { now?: bigint; refusals?: number; tickNs?: bigint } = {}) {
  const host = { now: options.now ?? 0n, refusals: options.refusals ?? 0, log: [] as (bigint | "stop")[] };
  const clock = { monotonicNs: () => monotonicNs(host.now) };
  const hardware = {
    freqHz: 312_500_000,
    minTicks: 15n,
    maxTicks: U64_MAX,
    setNextEvent(ticks: bigint): boolean {
      host.log.push(ticks);
      return host.refusals-- <= 0;
    },
    stop(): void {
      host.log.push("stop");
    },
  };
  const settings = options.tickNs === undefined ? {} : { tickNs: options.tickNs };
  return { host, device: new ClockEventDevice({ clock, hardware, ...settings }), clock, hardware };
}

describe("ClockEventDevice.program", () => {
  it.each([
    ["100 µs ahead", 100_000n, 31_250n],
    ["one minimum delta ahead", 1000n, 312n],
    ["less than the minimum ahead: the minimum", 1n, 312n],
    ["999 ns ahead: the minimum", 999n, 312n],
    ["1003 ns ahead, rounded down", 1003n, 313n],
    ["an hour ahead: the 1759 s it can reach", 3_600_000_000_000n, (1_759_218_604_441n * 10_485_760n) >> 25n],
  ])("%s", (_title, delta, ticks) => {
    for (const force of ["attempt", "force"] as const) {
      const { device, host } = bench({ now: 5n });
      expect(device.program(monotonicNs(5n + delta), force)).toBe(true);
      expect([host.log, device.nextEventNs]).toEqual([[ticks], 5n + delta]);
    }
  });

  it.each([0n, 1n, 5000n])("refuses an instant %d ns past, or takes the minimum when forced", (past) => {
    const { device, host } = bench({ now: 10_000n });
    expect(device.program(monotonicNs(10_000n - past), "attempt")).toBe(false);
    expect(host.log).toEqual([]);
    expect(device.program(monotonicNs(10_000n - past), "force")).toBe(true);
    expect([host.log, device.nextEventNs, device.retries]).toEqual([[312n], 11_000n, 1]);
  });

  it("stops for KTIME_MAX", () => {
    const { device, host } = bench();
    expect(device.program(KTIME_MAX, "attempt")).toBe(true);
    expect([host.log, device.nextEventNs]).toEqual([["stop"], KTIME_MAX]);
  });

  it("reports a refusal of the hardware unless forced", () => {
    const { device } = bench({ refusals: 1 });
    expect(device.program(monotonicNs(50_000n), "attempt")).toBe(false);
    expect([device.retries, device.minDeltaNs]).toEqual([0, 1000n]);
  });

  it.each([
    [1, 1000n, 1],
    [3, 1000n, 3],
    [4, 5000n, 4],
    [7, 7500n, 7],
    [10, 11_250n, 10],
  ])("after %d refusals has a minimum delta of %d", (refusals, minDeltaNs, retries) => {
    // The first refusal is that of the delta asked for.
    const { device } = bench({ refusals });
    expect(device.program(monotonicNs(50_000n), "force")).toBe(true);
    expect([device.minDeltaNs, device.retries]).toEqual([minDeltaNs, retries]);
  });

  it("gives up at a minimum delta of one jiffy", () => {
    const { device, host } = bench({ refusals: 1_000_000, tickNs: 6000n });
    expect(device.program(monotonicNs(50_000n), "force")).toBe(false);
    // 1000 → 5000 → 6000 (7500 cut), three tries each, after the delta asked for.
    expect([device.minDeltaNs, host.log.length, device.nextEventNs]).toEqual([6000n, 1 + 9, KTIME_MAX]);
  });

  it("never comes later than asked within its reach, and at most one tick early", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1000n, max: 1_759_218_604_441n }), (delta) => {
        const { device, host } = bench();
        device.program(monotonicNs(delta), "attempt");
        const firesNs = Number(((host.log[0] as bigint) * 10n * 16n) / 50n); // 3.2 ns a tick
        expect(firesNs).toBeLessThanOrEqual(Number(delta));
        expect(firesNs).toBeGreaterThan(Number(delta) - 5);
      }),
    );
  });

  it("refuses what the kernel warns about", () => {
    const { device, clock, hardware } = bench();
    expect(() => device.program(-1n as never, "force")).toThrow(
      new RangeError("program: expected a non-negative expiresNs, got -1"),
    );
    expect(() => device.program(5 as never, "force")).toThrow(TypeError);
    expect(() => new ClockEventDevice({ clock, hardware, tickNs: 0n })).toThrow(RangeError);
    expect(() => new ClockEventDevice({ clock, hardware, tickNs: 4_000_000 as never })).toThrow(
      "ClockEventDevice: expected tickNs to be a bigint, got number",
    );
    expect(() => device.program(monotonicNs(5n), true as never)).toThrow(
      "program: expected force to be attempt or force, got true",
    );
  });

  it("is the same after a save and a restore", () => {
    const { device, clock, hardware } = bench({ refusals: 5 });
    device.program(monotonicNs(50_000n), "force");
    const state = JSON.parse(JSON.stringify(device.state()));
    const copy = ClockEventDevice.fromState({ clock, hardware }, state);
    expect(copy.state()).toEqual(state);
    expect([copy.minDeltaNs, copy.nextEventNs, copy.retries]).toEqual([
      device.minDeltaNs,
      device.nextEventNs,
      device.retries,
    ]);
  });
});

describe("TscDeadlineTimer", () => {
  it("counts in eighths of the TSC and wraps at 64 bits", () => {
    const timer = new TscDeadlineTimer({ tscKhz: 2_100_000, tsc: () => hostTsc(U64_MAX - 7n) });
    expect([timer.freqHz, timer.minTicks, timer.maxTicks]).toEqual([262_500_000, 15n, U64_MAX]);
    timer.setNextEvent(3n);
    expect(timer.deadlineTsc).toBe(16n);
  });

  it.each(["stop", "fire"] as const)("is disarmed by %s", (how) => {
    const timer = new TscDeadlineTimer({ tscKhz: 2_100_000, tsc: () => hostTsc(0n) });
    timer.setNextEvent(3n);
    timer[how]();
    expect(timer.deadlineTsc).toBeUndefined();
  });

  it("is the same after a save and a restore", () => {
    const options = { tscKhz: 2_100_000, tsc: () => hostTsc(9n) };
    const timer = new TscDeadlineTimer(options);
    expect(TscDeadlineTimer.fromState(options, timer.state()).deadlineTsc).toBeUndefined();
    timer.setNextEvent(3n);
    const state = JSON.parse(JSON.stringify(timer.state()));
    expect(TscDeadlineTimer.fromState(options, state).deadlineTsc).toBe(33n);
  });

  it("refuses ticks and a saved deadline that are no u64", () => {
    const options = { tscKhz: 2_100_000, tsc: () => hostTsc(9n) };
    const timer = new TscDeadlineTimer(options);
    expect(() => timer.setNextEvent(-1n)).toThrow("setNextEvent: expected ticks to be an unsigned 64-bit");
    expect(() => timer.setNextEvent(312 as never)).toThrow("setNextEvent: expected ticks to be a bigint");
    expect(() => TscDeadlineTimer.fromState(options, { deadlineTsc: "18446744073709551616" })).toThrow(
      "fromState: expected deadlineTsc to be an unsigned 64-bit",
    );
  });

  it.each([0, 1.5, Number.NaN, 34_359_739])("refuses a TSC of %d kHz", (tscKhz) => {
    expect(() => new TscDeadlineTimer({ tscKhz, tsc: () => hostTsc(0n) })).toThrow(
      `TscDeadlineTimer: expected tscKhz from 1 to 34359738, got ${tscKhz}`,
    );
  });
});

describe("timers over a TSC-deadline timer", () => {
  it("may be interrupted early by the ticks' rounding; the rest is then programmed, and no callback comes early", () => {
    // 2.5 GHz: 5 cycles are 2 ns.
    let tsc = 0n;
    const clock = { monotonicNs: () => monotonicNs((tsc * 2n) / 5n) };
    const hardware = new TscDeadlineTimer({ tscKhz: 2_500_000, tsc: () => hostTsc(tsc) });
    const system = new HrtimerSystem({
      clock,
      cpus: [{ device: new ClockEventDevice({ clock, hardware }) }],
    });
    const fired: bigint[] = [];
    const timer = system.createTimer((self) => {
      fired.push(clock.monotonicNs());
      return self.expiresNs < 10_030n ? monotonicNs(self.expiresNs + 2503n) : undefined;
    });
    timer.start(2503n, 0);
    let interrupts = 0;
    while (timer.armed) {
      tsc = hardware.deadlineTsc ?? tsc;
      hardware.fire();
      interrupts++;
      system.cpu(0).interrupt();
    }
    expect(fired.every((ns, i) => ns >= 2503n * BigInt(i + 1))).toBe(true);
    expect([fired.length, interrupts > fired.length, hardware.deadlineTsc]).toEqual([5, true, undefined]);
  });
});
