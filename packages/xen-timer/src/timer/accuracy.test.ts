import {
  type GuestTsc,
  getTimeScale,
  type HostTsc,
  type KvmclockNs,
  type MonotonicNs,
  pvScale,
  VcpuTsc,
} from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { guest, KERNEL_6_1, KERNEL_6_12 } from "../../test/guest.js";
import { samplingLateness, type XenGuestClock, type XenTimerBehaviours, XenVcpu } from "../index.js";

// docs/model/scenarios-clock §S1.a and §S1.b: the reference is at host TSC 0, guest TSC 0 and system time 0.

interface Pair {
  readonly hostKhz: number;
  readonly guestKhz: number;
  readonly vendor: "vmx" | "svm";
}

const SCALED: Pair = { hostKhz: 3_000_000, guestKhz: 2_500_000, vendor: "vmx" };

/** The guest's clock by its own scale, and KVM's by the host's, at one host TSC. */
function clocksAt({ hostKhz, guestKhz, vendor }: Pair, tsc: bigint) {
  const counter = new VcpuTsc({ hostTscKhz: hostKhz, userTscKhz: guestKhz, vendor });
  const ratio = BigInt(counter.l1Ratio);
  const effectiveKhz = (BigInt(hostKhz) * ratio) >> BigInt(counter.fractionBits);
  const guestScale = getTimeScale(1_000_000_000n, effectiveKhz * 1000n);
  const hostScale = getTimeScale(1_000_000_000n, BigInt(hostKhz) * 1000n);
  const nsAt = (at: bigint): KvmclockNs =>
    pvScale(counter.readL1(at as HostTsc) as GuestTsc, guestScale.mul, guestScale.shift) as KvmclockNs;
  return { nsAt, kvmclockNs: pvScale(tsc, hostScale.mul, hostScale.shift) as KvmclockNs };
}

/** How late a timer for 100 µs is armed, at one host TSC and without a gap between samples. */
function latenessAt(pair: Pair, tsc: bigint, behaviours: XenTimerBehaviours): bigint {
  const { nsAt, kvmclockNs } = clocksAt(pair, tsc);
  const guestClock: XenGuestClock = { kvmclockNs: () => kvmclockNs, vcpuClock: () => ({ nsAt }) };
  const { options } = guest(behaviours);
  const now = 77n as MonotonicNs;
  const clock = {
    monotonicNs: () => now,
    tsc: () => tsc as HostTsc,
    sample: () => ({ monotonicNs: now, tsc: tsc as HostTsc }),
  };
  const { timer } = new XenVcpu({ ...options, clock, guestClock });
  timer.start(nsAt(tsc) + 100_000n, "linux");
  return timer.hrtimerExpiresNs - now - 100_000n;
}

describe("what KVM's clock lags the guest's (S1.a, 3.0 GHz to 2.5 GHz)", () => {
  it.each([
    ["0", 0n, 0n],
    ["1 s", 3_000_000_000n, 400n],
    ["8.104 094 378 667 s", 24_312_283_136n, 3_243n],
    ["10 s", 30_000_000_000n, 4_001n],
    ["60 s", 180_000_000_000n, 24_009n],
    ["1 h", 10_800_000_000_000n, 1_440_639n],
    ["1 day", 259_200_000_000_000n, 34_575_350n],
    ["10 days", 2_592_000_000_000_000n, 345_753_504n],
  ])("at an age of %s makes 6.1's timer late, 6.12's not", (_age, tsc, late) => {
    const old = latenessAt(SCALED, tsc, KERNEL_6_1);
    expect(old).toBe(late);
    expect(latenessAt(SCALED, tsc, KERNEL_6_12)).toBe(0n);
    const { nsAt, kvmclockNs } = clocksAt(SCALED, tsc);
    const conversionNs = nsAt(tsc) - kvmclockNs;
    expect(samplingLateness("kvmclock-then-monotonic", { conversionNs, gapNs: 0n })).toBe(old);
  });
});

describe("ratios that are exact (S1.b)", () => {
  it.each([
    ["2.6 to 1.95 GHz", { hostKhz: 2_600_000, guestKhz: 1_950_000 }, 55_712_302_497_794n],
    ["3.0 to 2.25 GHz", { hostKhz: 3_000_000, guestKhz: 2_250_000 }, 111_424_336_560_134n],
    ["2.5 to 3.125 GHz", { hostKhz: 2_500_000, guestKhz: 3_125_000 }, 111_426_474_999_997n],
    ["1.92 to 2.4 GHz", { hostKhz: 1_920_000, guestKhz: 2_400_000 }, 111_424_339_199_999n],
  ])("%s: 3243 ns only after hours", (_title, pair, tsc) => {
    expect(latenessAt({ ...pair, vendor: "vmx" }, tsc - 1n, KERNEL_6_1)).toBe(3_242n);
    expect(latenessAt({ ...pair, vendor: "vmx" }, tsc, KERNEL_6_1)).toBe(3_243n);
  });

  it("2.0 to 2.5 GHz: early, and more so with age", () => {
    const pair = { hostKhz: 2_000_000, guestKhz: 2_500_000, vendor: "vmx" } as const;
    expect(latenessAt(pair, 27_856_000_000_000n, KERNEL_6_1)).toBe(-3_243n);
  });

  it.each([
    ["unscaled", 2_500_000, 2_500_000],
    ["halved", 3_000_000, 1_500_000],
    ["halved again", 2_900_000, 1_450_000],
  ])("%s: never late", (_title, hostKhz, guestKhz) => {
    for (const tsc of [1n, 12_345_678_901n, 10n ** 15n]) {
      expect(latenessAt({ hostKhz, guestKhz, vendor: "vmx" }, tsc, KERNEL_6_1)).toBe(0n);
    }
  });
});
