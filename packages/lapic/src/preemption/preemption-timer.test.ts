import { type GuestTsc, type HostTsc, VcpuTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeHost } from "../../test/fake-host.js";
import { PreemptionTimer, preemptionTimerExpiry, preemptionTimerUsable } from "../index.js";

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

function machine({ rateShift = 5, guestKhz = 2_500_000, vendor = "vmx" as "vmx" | "svm" } = {}) {
  const host = new FakeHost();
  const tsc = new VcpuTsc({ hostTscKhz: 2_500_000, userTscKhz: guestKhz, vendor });
  const timer = new PreemptionTimer({ clock: host, tsc, rateShift });
  const guest = tsc.readL1(host.now as HostTsc);
  return {
    host,
    tsc,
    timer,
    guest,
    set: (ahead: bigint, advanceNs = 0) => timer.set((guest + ahead) as GuestTsc, advanceNs),
  };
}

describe("programming a deadline", () => {
  it.each([
    ["in the past", -1n, 0, "expired", 0n],
    ["now", 0n, 0, "expired", 0n],
    ["one cycle ahead", 1n, 0, "armed", 1n],
    ["exactly the advance ahead", 2500n, 1000, "expired", 0n],
    ["a cycle more than the advance ahead", 2501n, 1000, "armed", 1n],
    ["the last cycle in reach", 2n ** 37n - 1n, 0, "armed", 2n ** 37n - 1n],
  ] as const)("%s", (_title, ahead, advanceNs, result, delta) => {
    const { timer, host, set } = machine();
    expect(set(ahead, advanceNs)).toBe(result);
    expect(timer.deadline).toBe(host.now + delta);
  });

  it.each([0, 3, 5, 7, 31])(
    "at rate shift %i is out of range from 2^(32 + shift) host cycles on",
    (rateShift) => {
      const { set, timer } = machine({ rateShift });
      const reach = 2n ** BigInt(32 + rateShift);
      expect(set(reach - 1n)).toBe("armed");
      timer.cancel();
      if (rateShift < 31) expect([set(reach), timer.armed]).toEqual(["out-of-range", false]);
    },
  );

  it("out of range leaves an earlier deadline", () => {
    const { timer, set, host } = machine();
    set(100n);
    expect(set(2n ** 37n)).toBe("out-of-range");
    expect(timer.deadline).toBe(host.now + 100n);
  });

  it("divides by the ratio under scaling, rounding down; the range is of host cycles", () => {
    const { timer, set, host } = machine({ guestKhz: 3_000_000 });
    expect(set(3_000_000n, 1000)).toBe("armed");
    expect((timer.deadline ?? 0n) - host.now).toBe(2_497_500n);
    expect(set((2n ** 37n * 6n) / 5n - 10n)).toBe("armed");
    expect(set((2n ** 37n * 6n) / 5n + 10n)).toBe("out-of-range");
  });

  it("a quotient beyond 64 bits is out of range", () => {
    const host = new FakeHost();
    const tsc = {
      readL1: () => 0n as GuestTsc,
      nsToCycles: () => 0n,
      virtualTscKhz: 1,
      l1Ratio: 1n,
      fractionBits: 48,
    } as const;
    const timer = new PreemptionTimer({ clock: host, tsc, rateShift: 31 });
    expect(timer.set(65_536n as GuestTsc, 0)).toBe("out-of-range");
    expect(timer.set(32_767n as GuestTsc, 0)).toBe("armed");
  });

  it("takes one TSC sample", () => {
    const { host, set, timer } = machine();
    host.readCost = 100n;
    const before = host.now;
    set(1000n);
    expect(host.now).toBe(before + 100n);
    expect(timer.deadline).toBe(before + 1000n);
  });

  it("converts the advance again when it changes", () => {
    const { set, timer, host } = machine();
    set(10_000n, 1000);
    expect((timer.deadline ?? 0n) - host.now).toBe(7500n);
    set(10_000n, 2000);
    expect((timer.deadline ?? 0n) - host.now).toBe(5000n);
    set(10_000n, 0);
    expect((timer.deadline ?? 0n) - host.now).toBe(10_000n);
  });
});

describe("the value written at an entry", () => {
  it("is what is left, in steps of 2^shift, rounded down", () => {
    const { timer, set, host } = machine();
    set(1000n);
    expect(timer.loadAtEntry("ordinary")).toBe(31);
    host.now += 969n;
    expect(timer.loadAtEntry("ordinary")).toBe(0);
    host.now += 1000n;
    expect(timer.loadAtEntry("ordinary")).toBe(0);
  });

  it("is all ones once without a deadline, and nothing after that", () => {
    const { timer, set } = machine();
    expect([timer.loadAtEntry("ordinary"), timer.loadAtEntry("ordinary")]).toEqual([0xffff_ffff, undefined]);
    expect(timer.softDisabled).toBe(true);
    set(1000n);
    expect([timer.loadAtEntry("ordinary"), timer.softDisabled]).toEqual([31, false]);
    timer.cancel();
    expect(timer.loadAtEntry("ordinary")).toBe(0xffff_ffff);
  });

  it("is 0 for a forced exit, whatever is armed", () => {
    const { timer } = machine();
    timer.loadAtEntry("ordinary");
    expect([timer.loadAtEntry("immediate-exit"), timer.softDisabled]).toEqual([0, false]);
    expect(timer.loadAtEntry("ordinary")).toBe(0xffff_ffff);
  });

  it("is truncated to 32 bits when the TSC went backwards (E7)", () => {
    const { timer, set, host } = machine({ rateShift: 0 });
    set(1000n);
    host.now -= 2n ** 32n;
    expect(timer.loadAtEntry("ordinary")).toBe(1000);
  });

  it("never lets the guest run past the deadline, and exits less than two steps early", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10 }),
        // At a shift of 0 the timer reaches 2^32 - 1 cycles; what is farther is refused.
        fc.bigInt({ min: 1n, max: 2n ** 32n - 1n }),
        fc.bigInt({ min: 0n, max: 2n ** 32n }),
        (rateShift, ahead, later) => {
          const { timer, set, host } = machine({ rateShift });
          set(ahead);
          const deadline = host.now + ahead;
          host.now += later;
          const value = timer.loadAtEntry("ordinary") ?? -1;
          const exit: bigint = preemptionTimerExpiry(host.now as HostTsc, value, rateShift);
          if (host.now >= deadline) expect(value).toBe(0);
          else expect(exit <= deadline && deadline - exit <= 2n ** BigInt(rateShift + 1) - 2n).toBe(true);
        },
      ),
    );
  });
});

describe("preemptionTimerExpiry", () => {
  it.each([
    [1000n, 0, 5, 1000n],
    [1000n, 1, 5, 1024n],
    [1024n, 1, 5, 1056n],
    [1000n, 1, 0, 1001n],
    [2n ** 64n - 1n, 1, 5, 0n],
  ])("entered at %i with %i at shift %i: %i", (entry, value, shift, exit) => {
    expect(preemptionTimerExpiry(entry as HostTsc, value, shift)).toBe(exit);
  });

  it("equals counting multiples of 2^shift", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 0, max: 2000 }),
        (shift, value, entry) => {
          let at = entry;
          for (let left = value; left > 0; left--) at = (Math.floor(at / 2 ** shift) + 1) * 2 ** shift;
          expect(preemptionTimerExpiry(BigInt(entry) as HostTsc, value, shift)).toBe(BigInt(at));
        },
      ),
    );
  });
});

describe("preemptionTimerUsable", () => {
  it.each([
    [2_500_000, 2, false],
    [2_500_000, 3, true],
    [0, 3, false],
    [0, 4, true],
    [429_496, 0, true],
    [429_497, 0, false],
  ])("%i kHz at shift %i: %s", (khz, shift, usable) => {
    expect(preemptionTimerUsable(khz, shift)).toBe(usable);
  });
});

describe("state and arguments", () => {
  it("round trips", () => {
    fc.assert(
      fc.property(u64, fc.boolean(), fc.integer({ min: 0, max: 31 }), (deadline, softDisabled, rateShift) => {
        const { host, tsc } = machine();
        const state = { rateShift, deadline: deadline.toString(), softDisabled };
        const copy = PreemptionTimer.fromState(JSON.parse(JSON.stringify(state)), { clock: host, tsc });
        expect(copy.state()).toEqual(state);
      }),
    );
  });

  it.each<[string, () => unknown]>([
    ["PreemptionTimer: expected rateShift", () => machine({ rateShift: 32 })],
    ["PreemptionTimer.set: expected guestDeadline", () => machine().timer.set(-1n as GuestTsc, 0)],
    ["PreemptionTimer.set: expected advanceNs", () => machine().timer.set(0n as GuestTsc, -1)],
    [
      "PreemptionTimer.loadAtEntry: expected kind",
      () => machine().timer.loadAtEntry("forced" as "immediate-exit"),
    ],
    [
      "PreemptionTimer.fromState: expected softDisabled",
      () => {
        const { host, tsc } = machine();
        const state = { rateShift: 5, deadline: "0", softDisabled: 0 as unknown as boolean };
        return PreemptionTimer.fromState(state, { clock: host, tsc });
      },
    ],
    ["preemptionTimerExpiry: expected entryTsc", () => preemptionTimerExpiry(-1n as HostTsc, 0, 0)],
    ["preemptionTimerExpiry: expected value", () => preemptionTimerExpiry(0n as HostTsc, -1, 0)],
    ["preemptionTimerExpiry: expected rateShift", () => preemptionTimerExpiry(0n as HostTsc, 0, 32)],
    ["preemptionTimerUsable: expected tscKhz", () => preemptionTimerUsable(-1, 0)],
    ["preemptionTimerUsable: expected rateShift", () => preemptionTimerUsable(0, -1)],
    [
      "PreemptionTimer.fromState: expected deadline",
      () => {
        const { host, tsc } = machine();
        return PreemptionTimer.fromState(
          { rateShift: 5, deadline: "-1", softDisabled: false },
          { clock: host, tsc },
        );
      },
    ],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
    expect(call).toThrow(RangeError);
  });

  it("every u32 value is accepted by the expiry", () => {
    fc.assert(
      fc.property(u32, (value) => preemptionTimerExpiry(0n as HostTsc, value, 31) === BigInt(value) << 31n),
    );
  });
});
