import { calcMultShift, getTimeScale, pvScale } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KvmclockArithmetic } from "./kvmclock-arithmetic.js";

const HOUR = 3_600n;
const clocks = (hostKhz: bigint, guestKhz: bigint, guestRate: "kHz" | "Hz" = "kHz"): KvmclockArithmetic =>
  new KvmclockArithmetic({ hostKhz, guestKhz, fractionBits: 48n, guestRate });

/** The rates of docs/model/pvclock §2, in a day's ns. */
describe("a day of a VM's three clocks, less the true one", () => {
  it.each([
    [2_500_000n, 2_500_000n, -5_149_842n, -20_117n, -20_117n],
    [2_400_000n, 2_400_000n, 4_119_873n, -8_047n, -8_047n],
    [3_000_000n, 2_500_000n, -5_149_842n, 34_555_233n, -20_117n],
    [2_600_000n, 1_950_000n, -5_149_842n, -11_065n, -24_140n],
  ])(
    "%i to %i kHz: RAW %i, the guest's %i, what KVM takes it for %i",
    (hostKhz, guestKhz, raw, guest, reckoned) => {
      const day = 24n * HOUR;
      const cycles = hostKhz * 1000n * day;
      const of = clocks(hostKhz, guestKhz);
      const trueNs = day * 1_000_000_000n;
      expect([of.rawNs(cycles), of.guestNs(cycles), of.reckonedNs(cycles)].map((ns) => ns - trueNs)).toEqual([
        raw,
        guest,
        reckoned,
      ]);
    },
  );

  it("a scaled rate in Hz leaves 75 µs of the 34.6 ms (docs/model/pvclock §6)", () => {
    const of = clocks(3_000_000n, 2_500_000n, "Hz");
    const cycles = 3_000_000_000n * 24n * HOUR;
    expect(of.guestNs(cycles) - of.reckonedNs(cycles)).toBe(75_436n);
  });
});

it("agrees with the packages, which it shares nothing with", () => {
  fc.assert(
    fc.property(fc.integer({ min: 100_000, max: 10_000_000 }), fc.bigInt(0n, 2n ** 40n), (khz, cycles) => {
      const of = clocks(BigInt(khz), BigInt(khz));
      const { mult, shift } = calcMultShift(khz, 1_000_000, 600_000);
      expect(of.rawNs(cycles)).toBe((cycles * BigInt(mult)) >> BigInt(shift));
      const scale = getTimeScale(1_000_000_000n, BigInt(khz) * 1000n);
      expect(of.guestNs(cycles)).toBe(pvScale(cycles, scale.mul, scale.shift));
    }),
  );
});
