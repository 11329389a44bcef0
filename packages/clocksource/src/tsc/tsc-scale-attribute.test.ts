import { describe, expect, it } from "vitest";
import { getTscScale, hostTsc, scaleTsc, type TscFractionBits, VcpuTsc } from "../index.js";

describe("KVM_VCPU_TSC_SCALE (proposed)", () => {
  it.each([
    ["vmx", 3_000_000, 2_500_000, 0xd55555555555n, 48],
    ["svm", 2_400_000, 2_500_000, 4473924266n, 32],
    ["vmx", 2_500_000, 2_500_000, 2n ** 48n, 48],
  ] as const)(
    "on %s at %i to %i kHz is the ratio and its fraction bits",
    (vendor, host, guest, ratio, bits) => {
      const vcpu = new VcpuTsc({ hostTscKhz: host, userTscKhz: guest, vendor });
      expect(getTscScale(vcpu)).toEqual({ tscRatio: ratio, tscFracBits: bits });
    },
  );

  it("is all that is needed, with the offset, to say what the guest reads", () => {
    const vcpu = new VcpuTsc({ hostTscKhz: 2_900_000, userTscKhz: 2_500_000, vendor: "vmx", l1Offset: 77n });
    const scale = getTscScale(vcpu) as { tscRatio: bigint; tscFracBits: TscFractionBits };
    const now = 250_560_000_000_000n;
    expect(scaleTsc(now, scale.tscRatio, scale.tscFracBits) + 77n).toBe(vcpu.readL1(hostTsc(now)));
  });

  it("is not there without scaling hardware: −ENXIO", () => {
    const vcpu = new VcpuTsc({ hostTscKhz: 2_400_000, vendor: "vmx", hasTscScaling: false });
    expect(getTscScale(vcpu)).toBe(-6);
  });

  it("asks for a counter", () => {
    const wrong = { hasTscScaling: true, l1Ratio: -1n, fractionBits: 48 } as const;
    expect(() => getTscScale(wrong)).toThrow(
      new RangeError("getTscScale: expected l1Ratio to be an unsigned 64-bit bigint, got -1"),
    );
  });
});
