import { TSC_SCALING, tscRatio } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guestClockHz } from "../index.js";

const counter = (l1Ratio: bigint, hasTscScaling = true) =>
  ({ l1Ratio, fractionBits: 48, hasTscScaling }) as const;

describe("the frequency of a guest's clock", () => {
  it.each([
    ["an inexact ratio costs a kHz", 3_000_000, 0xd55555555555n, 2_499_999_000n, 2_499_999_999n],
    ["2.9 → 2.5 GHz as well", 2_900_000, 0xdcb08d3dcb08n, 2_499_999_000n, 2_499_999_999n],
    ["an exact one does not", 2_000_000, 0x1400000000000n, 2_500_000_000n, 2_500_000_000n],
    ["nor none at all", 2_500_000, 2n ** 48n, 2_500_000_000n, 2_500_000_000n],
  ])("%s", (_title, hostKhz, ratio, khz, hz) => {
    expect(guestClockHz(hostKhz, counter(ratio), "truncated-khz")).toBe(khz);
    expect(guestClockHz(hostKhz, counter(ratio), "hz")).toBe(hz);
  });

  it("without scaling hardware is the host's, whatever the ratio says", () => {
    expect(guestClockHz(2_400_000, counter(0n, false), "hz")).toBe(2_400_000_000n);
  });

  it("is what was asked for, or one unit less, at every ratio KVM computes", () => {
    const khz = fc.integer({ min: 1, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(khz, khz, (host, guest) => {
        const { fractionBits, maxRatio } = TSC_SCALING.vmx;
        const exact = (BigInt(guest) << 48n) / BigInt(host);
        fc.pre(exact > 0n && exact < maxRatio);
        const ratio = tscRatio(guest, host, fractionBits);
        const [inKhz, inHz] = (["truncated-khz", "hz"] as const).map((unit) =>
          guestClockHz(host, { l1Ratio: ratio, fractionBits }, unit),
        );
        const wanted = BigInt(guest) * 1000n;
        const isWhole = (BigInt(guest) << 48n) % BigInt(host) === 0n;
        expect(inKhz).toBe(isWhole ? wanted : wanted - 1000n);
        expect(inHz).toBe(isWhole ? wanted : wanted - 1n);
      }),
    );
  });

  it("asks for a u32 and a known unit", () => {
    expect(() => guestClockHz(-1, counter(1n), "hz")).toThrow(RangeError);
    expect(() => guestClockHz(1, counter(1n), "" as never)).toThrow(RangeError);
    expect(() => guestClockHz(1, counter(-1n), "hz")).toThrow(RangeError);
  });
});
