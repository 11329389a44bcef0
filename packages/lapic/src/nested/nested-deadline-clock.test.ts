import { type HostTsc, VcpuTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeHost } from "../../test/fake-host.js";
import { SteeredHost } from "../../test/steered-host.js";
import {
  type DeadlineClock,
  LAPIC_TIMER_BEHAVIOURS,
  NestedPreemptionTimer,
  type NestedPreemptionTimerOptions,
  PreemptionTimer,
  preemptionTimerExpiry,
} from "../index.js";

/** The steered host's frequency, and 1.28 s of it in the timer's units of 32 cycles. */
const SECOND = 2_097_152_000n;
const TICKS_1280_MS = 83_886_080;
const WAIT = 32n * BigInt(TICKS_1280_MS);
/** What rounding to 32 cycles and ns may cost. */
const QUANTUM = 32n;

function nested(
  deadlineClock: DeadlineClock,
  host: SteeredHost,
  more: Partial<NestedPreemptionTimerOptions> = {},
) {
  const khz = Number(host.khz);
  const tsc = new VcpuTsc({ hostTscKhz: khz, userTscKhz: khz, vendor: "vmx" });
  const hv = new PreemptionTimer({ clock: host, tsc, rateShift: 5 });
  const exits: bigint[] = [];
  const rechecks: [bigint, string][] = [];
  const compensations: unknown[] = [];
  const parts: NestedPreemptionTimerOptions = {
    clock: host,
    tsc,
    createTimer: host.createTimer,
    createRawTimer: host.createRawTimer,
    preemptionTimer: hv,
    deadlineClock,
    onExpire: () => exits.push(host.now),
    events: {
      onRecheck: (...recheck) => rechecks.push(recheck),
      onCompensate: (rate) => compensations.push(rate.monoMult),
    },
    ...more,
  };
  const timer = new NestedPreemptionTimer(parts);
  return { host, hv, parts, timer, exits, rechecks, compensations };
}

function steered(ppm: number): SteeredHost {
  const host = new SteeredHost({ uptimeSeconds: 1 });
  host.steer(ppm);
  return host;
}

describe("the preemption timer test of L1: 10^8 ticks at 2.5 GHz, a wait of 1.28 s (§7.3, S2.a)", () => {
  it.each([
    [-500, 1_600_801n],
    [500, -1_599_200n],
    [-83_333, 290_907_822n],
    [83_333, -246_152_937n],
  ])("on CLOCK_MONOTONIC at %i ppm L2 exits %i cycles off its deadline", (ppm, missed) => {
    const host = new FakeHost({ ppm, uptimeSeconds: 0 });
    const tsc = new VcpuTsc({ hostTscKhz: 2_500_000, userTscKhz: 2_500_000, vendor: "vmx" });
    const timer = new NestedPreemptionTimer({ clock: host, tsc, createTimer: host.createTimer });
    timer.enter(100_000_000);
    host.moveTo(host.timers[0]?.expiresNs ?? 0n);
    expect(host.now - 3_200_000_000n).toBe(missed);
  });

  it.each(
    (
      ["raw", "mapped-each-tick", "rate-compensated", "restart-on-update", "compensated-rechecked"] as const
    ).flatMap((value) => [500, -500, 83_333, -83_333].map((ppm) => [value, ppm] as const)),
  )("%s at %i ppm meets it", (value, ppm) => {
    const f = nested(value, steered(ppm));
    const deadline = f.host.now + WAIT;
    f.timer.enter(TICKS_1280_MS);
    f.host.run();
    const [exit = 0n] = f.exits;
    expect(f.exits).toHaveLength(1);
    expect(exit - deadline >= -3n && exit - deadline <= QUANTUM).toBe(true);
  });

  it("recheck-on-wake meets it when early, and stays late when late", () => {
    const early = nested("recheck-on-wake", steered(500));
    early.timer.enter(TICKS_1280_MS);
    early.host.run();
    expect(early.exits).toHaveLength(1);
    expect(early.rechecks.map(([, outcome]) => outcome)).toEqual(["restarted", "restarted", "expired"]);
    const missed = (early.exits[0] ?? 0n) - SECOND - WAIT;
    expect(missed >= -3n && missed <= QUANTUM).toBe(true);
    const late = nested("recheck-on-wake", steered(-500));
    late.timer.enter(TICKS_1280_MS);
    late.host.run();
    expect([late.exits[0], late.rechecks]).toEqual([SECOND + WAIT + 1_342_849n, [[0n, "expired"]]]);
  });

  it("an early exit that is only looked at is lost", () => {
    const f = nested("recheck-without-restart", steered(500));
    f.timer.enter(TICKS_1280_MS);
    f.host.run();
    expect([f.exits, f.rechecks.map(([, outcome]) => outcome)]).toEqual([[], ["lost"]]);
  });

  it("armed again on an update, a change at half time costs nothing; a change nobody told of does", () => {
    const run = (updates: boolean) => {
      const f = nested("restart-on-update", steered(0));
      f.timer.enter(TICKS_1280_MS);
      const change = [SECOND + WAIT / 2n, () => f.host.steer(-500)] as const;
      const update = [SECOND + WAIT / 2n + SECOND / 250n, () => f.timer.clockUpdated()] as const;
      f.host.run(updates ? [change, update] : [change]);
      return { missed: (f.exits[0] ?? 0n) - SECOND - WAIT, compensations: f.compensations };
    };
    const told = run(true);
    expect(told.compensations).toEqual([3_998_000]);
    expect(told.missed >= -3n && told.missed <= QUANTUM).toBe(true);
    // 640 ms · 500 ppm / (1 − 500 ppm)
    expect(run(false)).toEqual({ missed: 671_425n, compensations: [] });
  });

  it("due at an update it exits in its callback", () => {
    const f = nested("restart-on-update", steered(0));
    f.timer.enter(TICKS_1280_MS);
    f.host.steer(-500);
    f.host.now = SECOND + WAIT + 5n;
    f.timer.clockUpdated();
    expect([f.exits, f.host.timers[0]?.expiresNs]).toEqual([[], f.host.mono]);
    f.host.run();
    expect(f.exits).toHaveLength(1);
  });

  it("what is not armed is not armed by an update", () => {
    const f = nested("restart-on-update", steered(0));
    f.timer.enter(TICKS_1280_MS);
    f.timer.pause();
    f.host.steer(-500);
    f.timer.clockUpdated();
    expect([f.host.timers[0]?.armed, f.compensations]).toEqual([false, []]);
  });
});

describe("an entry after the deadline", () => {
  const again = (value: DeadlineClock) => {
    const f = nested(value, steered(0));
    f.timer.enter(1000);
    f.timer.pause();
    f.host.now += 33_000n;
    return f.timer.enter(1000);
  };

  it.each([
    ["monotonic", "armed"],
    ["raw", "armed"],
    ["rate-compensated", "armed"],
    ["recheck-on-wake", "armed"],
    ["compensated-rechecked", "expired"],
    ["hardware-multiplexed", "expired"],
  ] as const)("under %s: %s, by the kernel's wrapped remainder or without one", (value, entry) => {
    expect(again(value)).toBe(entry);
  });

  it("an alias that runs out after the deadline is an exit, not a rest to wait for", () => {
    const f = nested("recheck-on-wake", steered(0));
    f.timer.enter(1000);
    f.host.now += 33_000n;
    f.timer.enter(1000);
    f.host.timers[0]?.fire();
    expect([f.exits.length, f.rechecks]).toEqual([1, [[0n, "expired"]]]);
  });
});

describe("hardware-multiplexed", () => {
  /** Runs L2 until the preemption timer exits. */
  function guest({ host, hv, timer }: ReturnType<typeof nested>): void {
    const value = hv.loadAtEntry("ordinary") ?? -1;
    host.now = preemptionTimerExpiry(host.now as HostTsc, value, 5);
    timer.expiredHvTimer();
  }

  it.each([500, -500, 83_333, -83_333])("in the guest %i ppm do not matter", (ppm) => {
    const f = nested("hardware-multiplexed", steered(ppm));
    expect(f.timer.enter(TICKS_1280_MS)).toBe("armed");
    expect([f.timer.hvInUse, f.host.timers[0]?.armed]).toEqual([true, false]);
    guest(f);
    expect([f.exits, f.timer.hvInUse, f.hv.armed]).toEqual([[SECOND + WAIT], false, false]);
  });

  it.each([
    [500, -1_341_506n],
    [-500, 1_342_849n],
  ])("blocked all the way it is the hrtimer's: at %i ppm %i cycles off", (ppm, missed) => {
    const f = nested("hardware-multiplexed", steered(ppm));
    f.timer.enter(TICKS_1280_MS);
    f.timer.switchToSw();
    expect([f.timer.hvInUse, f.hv.armed, f.host.timers[0]?.armed]).toEqual([false, false, true]);
    f.host.run();
    const [exit = 0n] = f.exits;
    const off = exit - SECOND - WAIT - missed;
    // The clock's sample at 1 s of uptime truncates.
    expect(off >= -3n && off <= 0n).toBe(true);
  });

  it("after the block it is the preemption timer's again, or an exit at once", () => {
    const f = nested("hardware-multiplexed", steered(-500));
    f.timer.enter(TICKS_1280_MS);
    f.timer.switchToSw();
    f.host.now += WAIT / 2n;
    f.timer.switchToHv();
    expect([f.timer.hvInUse, f.host.timers[0]?.armed]).toEqual([true, false]);
    guest(f);
    expect(f.exits).toEqual([SECOND + WAIT]);
    const late = nested("hardware-multiplexed", steered(-500));
    late.timer.enter(1000);
    late.timer.switchToSw();
    late.host.now += 33_000n;
    late.timer.switchToHv();
    expect([late.exits.length, late.timer.hvInUse, late.host.timers[0]?.armed]).toEqual([1, false, false]);
  });

  it("past when it blocks it is an exit", () => {
    const f = nested("hardware-multiplexed", steered(0));
    f.timer.enter(1000);
    f.host.now += 33_000n;
    f.timer.switchToSw();
    expect([f.exits.length, f.timer.hvInUse, f.host.timers[0]?.armed]).toEqual([1, false, false]);
  });

  it("out of its reach the hrtimer serves", () => {
    const f = nested("hardware-multiplexed", steered(0));
    // The whole range of a nested timer is in reach at shift 5: 2^37 cycles from a multiple of 32 is not.
    expect(f.timer.enter(0xffff_ffff)).toBe("armed");
    expect(f.timer.hvInUse).toBe(true);
    const short = new PreemptionTimer({ clock: f.host, tsc: f.parts.tsc, rateShift: 0 });
    const g = nested("hardware-multiplexed", f.host, { preemptionTimer: short });
    expect(g.timer.enter(0xffff_ffff)).toBe("armed");
    expect([g.timer.hvInUse, g.host.timers.at(-1)?.armed]).toEqual([false, true]);
  });

  it("pause and the exit to L1 disarm it", () => {
    const f = nested("hardware-multiplexed", steered(0));
    f.timer.enter(1000);
    f.timer.pause();
    expect([f.timer.hvInUse, f.hv.armed, f.timer.deadline === undefined]).toEqual([false, false, false]);
    f.timer.enter(1000);
    f.timer.exitToL1();
    expect([f.timer.hvInUse, f.hv.armed, f.timer.deadline]).toEqual([false, false, undefined]);
    f.timer.expiredHvTimer();
    f.timer.switchToSw();
    f.timer.switchToHv();
    expect([f.exits, f.hv.armed]).toEqual([[], false]);
  });

  it("other values leave a preemption timer alone that they are given", () => {
    const f = nested("monotonic", steered(0));
    f.timer.enter(1000);
    f.timer.switchToHv();
    expect([f.timer.hvInUse, f.hv.armed]).toEqual([false, false]);
  });
});

describe("state and arguments", () => {
  it.each([...LAPIC_TIMER_BEHAVIOURS.deadlineClock, "recheck-without-restart"] as const)(
    "round trips under %s",
    (value) => {
      const operations = fc.array(fc.tuple(fc.nat(7), fc.integer({ min: 0, max: 0xffff_ffff })), {
        maxLength: 15,
      });
      fc.assert(
        fc.property(operations, (steps) => {
          const f = nested(value, steered(500));
          for (const [op, v] of steps) {
            [
              () => f.timer.enter(v),
              () => f.timer.enter(v),
              () => f.timer.pause(),
              () => f.timer.exitToL1(),
              () => f.timer.switchToSw(),
              () => f.timer.switchToHv(),
              () => f.host.steer((v % 200_000) - 100_000),
              () => {
                f.host.now += BigInt(v);
                f.timer.clockUpdated();
              },
            ][op]?.();
          }
          const state = JSON.parse(JSON.stringify(f.timer.state()));
          expect(NestedPreemptionTimer.fromState(state, f.parts).state()).toEqual(state);
        }),
        { numRuns: 40 },
      );
    },
  );

  it("refuses hvInUse where the preemption timer is not used", () => {
    const f = nested("hardware-multiplexed", steered(0));
    f.timer.enter(1000);
    const parts = { ...f.parts, deadlineClock: "monotonic" } as const;
    expect(() => NestedPreemptionTimer.fromState(f.timer.state(), parts)).toThrow(
      "NestedPreemptionTimer.fromState: expected hvInUse to be one of false, got true",
    );
  });

  it.each<[string, () => unknown]>([
    [
      "NestedPreemptionTimer: expected deadlineClock to be one of monotonic",
      () => nested("ntp" as "raw", steered(0)),
    ],
    [
      "NestedPreemptionTimer: expected rateThresholdPpb in 0",
      () => nested("monotonic", steered(0), { rateThresholdPpb: -1 }),
    ],
    [
      "NestedPreemptionTimer: expected a SteeredHostClock with rate() and rawNs() for deadlineClock raw, got none",
      () => nested("raw", steered(0), { clock: new FakeHost() }),
    ],
  ])("%s", (message, build) => {
    expect(build).toThrow(message);
  });

  it.each([
    ["hardware-multiplexed", "preemptionTimer"],
    ["raw", "createRawTimer"],
  ] as const)("%s needs %s", (deadlineClock, part) => {
    const host = steered(0);
    const { [part]: _without, ...parts } = nested(deadlineClock, host).parts;
    expect(() => new NestedPreemptionTimer(parts)).toThrow(
      new TypeError(`NestedPreemptionTimer: expected ${part} for deadlineClock ${deadlineClock}, got none`),
    );
  });
});
