import { type MonotonicNs, VcpuTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeHost } from "../../test/fake-host.js";
import { advancePeriodic, type LapicTimerBehaviours } from "../index.js";

const MS = 1_000_000n;

function at(khz: number, uptimeSeconds: bigint) {
  const host = new FakeHost({ khz });
  host.now = uptimeSeconds * BigInt(khz) * 1000n;
  return { host, tsc: new VcpuTsc({ hostTscKhz: khz, vendor: "vmx" }) };
}

describe("the three generations", () => {
  it("independent adds n2c(P) without looking at a clock", () => {
    const { host, tsc } = at(2_095_078, 1n);
    host.readCost = 1n;
    const before = host.now;
    const next = advancePeriodic("independent", { period: MS, target: 5n, tscDeadline: 7n }, host, tsc);
    expect(next).toEqual({ target: MS + 5n, tscDeadline: 2_095_077n + 7n });
    expect(host.now).toBe(before);
  });

  it("independent wraps the deadline at 64 bits", () => {
    const { host, tsc } = at(2_500_000, 1n);
    const from = { period: MS, target: 0n, tscDeadline: 2n ** 64n - 1n };
    expect(advancePeriodic("independent", from, host, tsc).tscDeadline).toBe(2_499_999n);
  });

  it("resync computes the deadline from what is left", () => {
    const { host, tsc } = at(2_500_000, 1n);
    const target = host.mono - 300_000n;
    const next = advancePeriodic("resync", { period: MS, target, tscDeadline: 0n }, host, tsc);
    expect(next).toEqual({ target: target + MS, tscDeadline: host.now + (700_000n * 5n) / 2n });
  });

  it("resync samples CLOCK_MONOTONIC before the TSC", () => {
    const { host, tsc } = at(1_000_000, 1n);
    host.readCost = 10n;
    const start = host.now;
    const next = advancePeriodic("resync", { period: MS, target: start, tscDeadline: 0n }, host, tsc);
    // now = start + 10, h = start + 20: the ten cycles between are the skew.
    expect(next.tscDeadline).toBe(start + 20n + (MS - 10n));
  });

  it("resync turns a late remainder into a deadline 2^63 cycles away (khz 2 500 000, one second late)", () => {
    const { host, tsc } = at(2_500_000, 3600n);
    const next = advancePeriodic(
      "resync",
      { period: MS, target: host.mono - 1000n * MS, tscDeadline: 0n },
      host,
      tsc,
    );
    expect(tsc.nsToCycles(2n ** 64n - 999_000_000n)).toBe(11_529_215_043_570_969_760n);
    expect(next.tscDeadline).toBe(0xa000082ee4f0bca0n);
  });

  it.each([
    [1154n, "future"],
    [1200n, "past"],
  ] as const)(
    "resync at 3 999 999 kHz, one second late at %i s of guest TSC, lands in the %s",
    (uptime, where) => {
      const { host, tsc } = at(3_999_999, uptime);
      const next = advancePeriodic(
        "resync",
        { period: MS, target: host.mono - 1000n * MS, tscDeadline: 0n },
        host,
        tsc,
      );
      expect(next.tscDeadline > host.now ? "future" : "past").toBe(where);
    },
  );

  it.each([
    ["before the next target: on the grid", -1n, MS - 1n],
    ["exactly one period late: the grid holds and is due now", MS, 0n],
    ["a nanosecond more: the grid moves to now", MS + 1n, 0n],
    ["ten days late", 864_000_000_000_000n, 0n],
  ])("resync-clamped, %s", (_title, late, left) => {
    const { host, tsc } = at(2_500_000, 1_000_000n);
    const target = host.mono - late;
    const next = advancePeriodic("resync-clamped", { period: MS, target, tscDeadline: 0n }, host, tsc);
    const expected = late < 0n ? target + MS : host.mono + left;
    expect(next.target).toBe(expected);
    expect(next.tscDeadline).toBe(host.now + tsc.nsToCycles(expected - host.mono));
  });
});

describe("the proposals", () => {
  it("(iii) the TSC sum in the target is orders of magnitude away, and the deadline stands", () => {
    const { host, tsc } = at(2_500_000, 3600n);
    const from = { period: MS, target: host.mono, tscDeadline: 42n };
    const next = advancePeriodic("resync-clamped-misassigned", from, host, tsc);
    expect(next).toEqual({ target: host.now + 2_500_000n, tscDeadline: 42n });
    expect(next.target - host.mono).toBeGreaterThan(5_000_000n * MS);
  });

  it("(iv) a signed remainder puts the deadline into the past", () => {
    const { host, tsc } = at(2_500_000, 3600n);
    const from = { period: MS, target: host.mono - 10n * MS, tscDeadline: 0n };
    expect(advancePeriodic("resync-signed", from, host, tsc).tscDeadline).toBe(host.now - 9n * 2_500_000n);
  });

  it("(v) a clamp one period back leaves a remainder of minus one period", () => {
    const { host, tsc } = at(2_500_000, 3600n);
    const from = { period: MS, target: host.mono - 10n * MS, tscDeadline: 0n };
    const next = advancePeriodic("resync-clamped-one-period-back", from, host, tsc);
    expect(next.target).toBe(host.mono - MS);
    expect(next.tscDeadline - host.now > 2n ** 62n).toBe(true);
  });
});

describe("for every state", () => {
  const s64 = fc.bigInt({ min: 0n, max: 2n ** 62n });
  const rules = [
    "independent",
    "resync",
    "resync-clamped",
  ] as const satisfies readonly LapicTimerBehaviours["periodicAdvance"][];

  it("the rules equal their definitions", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100_000, max: 5_000_000 }),
        fc.bigInt({ min: 1n, max: 2n ** 40n }),
        s64,
        s64,
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (khz, period, target, now, h) => {
          const tsc = new VcpuTsc({ hostTscKhz: khz, vendor: "vmx" });
          const clock = {
            monotonicNs: () => now as MonotonicNs,
            tsc: () => h as ReturnType<FakeHost["tsc"]>,
            sample: () => ({ monotonicNs: now as MonotonicNs, tsc: h as ReturnType<FakeHost["tsc"]> }),
          };
          const onGrid = target + period;
          const naive = { independent: onGrid, resync: onGrid, "resync-clamped": onGrid };
          if (onGrid < now) naive["resync-clamped"] = now;
          for (const rule of rules) {
            const got = advancePeriodic(rule, { period, target, tscDeadline: h }, clock, tsc);
            expect(got.target).toBe(naive[rule]);
            const added = BigInt.asUintN(64, got.tscDeadline - h);
            const ns = rule === "independent" ? period : got.target - now;
            expect(added).toBe(tsc.nsToCycles(BigInt.asUintN(64, ns)));
          }
        },
      ),
    );
  });

  it("an unknown rule and values out of width are refused", () => {
    const { host, tsc } = at(2_500_000, 1n);
    const from = { period: MS, target: 0n, tscDeadline: 0n };
    expect(() => advancePeriodic("clamped" as "resync", from, host, tsc)).toThrow(
      "advancePeriodic: expected rule",
    );
    expect(() => advancePeriodic("resync", { ...from, period: 2n ** 63n }, host, tsc)).toThrow(
      "expected period",
    );
    expect(() => advancePeriodic("resync", { ...from, target: 2n ** 63n }, host, tsc)).toThrow(
      "expected target",
    );
    expect(() => advancePeriodic("resync", { ...from, tscDeadline: -1n }, host, tsc)).toThrow(
      "expected tscDeadline",
    );
  });
});
