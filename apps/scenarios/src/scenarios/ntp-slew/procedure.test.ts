import { NtpdServo, ReferenceClock } from "@chronovisor/timekeeper";
import { describe, expect, it } from "vitest";
import { runServo } from "../../machine/host/servo-driver.js";
import { contextOf } from "./fixtures/context.js";
import { buildSlewMachine } from "./machine.js";
import { type ProcedureOutcome, runProcedure } from "./procedure.js";

/** docs/model/scenarios-clock §S2.b. */
const REPORT = { offset: "500ms", jitter: "0" };
const procedure = (
  mitigation: string,
  direction: "behind" | "ahead",
  set: Record<string, string> = {},
  release = "v7.0",
): ProcedureOutcome => runProcedure(contextOf(mitigation, { ...REPORT, ...set }, release), direction);

describe.each(["behind", "ahead"] as const)("a clock set %s", (direction) => {
  it("steps without CLOCK_MONOTONIC, and counts as not synchronised", () => {
    const { monotonicStepNs, unsyncAtSet } = procedure("monotonic", direction);
    expect([monotonicStepNs, unsyncAtSet]).toEqual([0n, true]);
  });

  it.each([
    ["83333ppm", 6_000_024_000n],
    ["83300ppm", 6_002_400_960n],
  ])("is slewed back at %s within %i ns", (maxSlew, slewNs) => {
    const got = procedure("monotonic", direction, { maxSlew }).slewNs ?? 0n;
    // The 6 ns by which the clock drifts before it is set are 72 ns of slew, and RAW is 59.6 ppb slow.
    expect(got - slewNs <= 500n && slewNs - got <= 500n, `${got}`).toBe(true);
  });

  it("fails no run that begins after the slew, whatever the mitigation", () => {
    for (const mitigation of ["monotonic", "rate-compensated", "compensated-rechecked"]) {
      expect(procedure(mitigation, direction).failedAfterSlew).toBe(0);
    }
  });
});

describe("without mitigation", () => {
  it("every run under a clock that speeds up brings L1 back early, by 98.3 ms", () => {
    const { early, late, errors, slewNs = 0n } = procedure("monotonic", "behind");
    // Five runs of 1.18 s fit a slew of 6 s; the sixth sees its end.
    expect([early, late]).toEqual([6, 0]);
    const during = errors.filter(([end]) => end < slewNs + 100_000_000n).map(([, error]) => error);
    expect(during).toHaveLength(5);
    for (const error of during) expect(error < -98_100_000_000n && error > -98_500_000_000n).toBe(true);
  });

  it("every run under a clock that slows down lets L2 see its deadline pass, by 116.4 ms", () => {
    const { early, late, worstPs } = procedure("monotonic", "ahead");
    expect([early, late]).toEqual([0, 5]);
    expect(worstPs / 100_000_000n).toBe(1_163n);
  });
});

describe("with a mitigation", () => {
  it.each(["raw", "hardware-multiplexed"])("%s fails no run", (mitigation) => {
    for (const direction of ["behind", "ahead"] as const) {
      const { early, late } = procedure(mitigation, direction);
      expect([early, late]).toEqual([0, 0]);
    }
  });

  it("rechecking leaves the late ones", () => {
    expect(procedure("recheck-on-wake", "behind").early).toBe(0);
    expect(procedure("recheck-on-wake", "ahead").late).toBe(5);
  });

  it("compensating fails the run that sees the slew end, late for early and early for late", () => {
    const behind = procedure("rate-compensated", "behind", {}, "v7.1");
    const ahead = procedure("rate-compensated", "ahead", {}, "v7.1");
    expect([behind.early, behind.late]).toEqual([0, 1]);
    expect([ahead.early, ahead.late]).toEqual([1, 0]);
  });

  it("compensated waits end up to a tick's gain late, 333 µs, on a device that does not follow the clock", () => {
    const before = procedure("compensated-rechecked", "behind");
    expect(before.late).toBe(3);
    expect(before.worstPs > 0n && before.worstPs < 334_500_000n).toBe(true);
    expect(procedure("compensated-rechecked", "behind", {}, "v7.1").late).toBe(0);
  });
});

describe("the kernel's PLL instead of a fast slew", () => {
  it("makes runs early for as long as it takes, ever less", () => {
    const { errors, slewNs, early } = procedure("monotonic", "behind", { servo: "ntpd", offset: "10ms" });
    expect(slewNs).toBe(undefined);
    expect(early).toBe(errors.length);
    // The kernel begins with the next second, during the first run; the second has 0.6 s of 625 ppm and 0.68 s of 585.9.
    const [, second = 0n, ...later] = errors.map(([, error]) => -error);
    expect(second > 770_000_000n && second < 776_000_000n).toBe(true);
    expect([second, ...later].every((size, i, all) => i === 0 || size < (all[i - 1] ?? 0n))).toBe(true);
  });

  it("slews 10 ms at 625, 585.9, 549.3 ppm: 4.755 ms after ten seconds", () => {
    const { host } = buildSlewMachine(contextOf("monotonic", { hostKhz: "2GHz" }), {
      slewPpb: 0n,
      device: "ideal",
      ticks: "no",
    });
    const offsetNs = 10_000_000n;
    const reference = new ReferenceClock({ trueNs: () => host.trueNs(host.engine.now), offsetNs });
    const { timekeeper } = host.clock;
    const servo = new NtpdServo({
      clock: timekeeper,
      reference,
      nowNs: () => host.clock.rawNs(),
      timeConstant: 2,
      pollNs: 64_000_000_000n,
      tickNs: 4_000_000n,
    });
    runServo(host, servo);
    const gained: bigint[] = [];
    for (let second = 1n; second <= 11n; second++) {
      // Half a tick past the second that the kernel counts by.
      host.engine.runUntil(host.tscAt(second * 1_000_000_000n + 2_000_000n));
      gained.push(timekeeper.monotonicNs() - timekeeper.rawNs());
    }
    const perSecond = gained.map((ns, i) => ns - (gained[i - 1] ?? 0n)).slice(1);
    // The kernel's second begins at a tick of the bent clock, up to 4 ms of 39 ppm from ours.
    for (const [i, stated] of [625_000n, 585_938n, 549_316n].entries()) {
      const off = (perSecond[i] ?? 0n) - stated;
      expect(off <= 160n && off >= -160n, `${perSecond[i]} ns for ${stated}`).toBe(true);
    }
    const total = (gained[10] ?? 0n) - (gained[0] ?? 0n) - 4_755_000n;
    expect(total <= 2_000n && total >= -2_000n, `${total}`).toBe(true);
  });
});

describe("the procedure", () => {
  it("does the same again for the same seed, and something else for another where the network jitters", () => {
    const context = contextOf("monotonic", { jitter: "100us" });
    const first = runProcedure(context, "behind");
    expect(runProcedure(context, "behind")).toEqual(first);
    expect(runProcedure({ ...context, seed: 2 }, "behind").slewNs).not.toBe(first.slewNs);
  });
});
