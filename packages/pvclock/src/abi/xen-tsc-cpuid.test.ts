import { expect, it } from "vitest";
import { runningVm } from "../../test/simulated-vm.js";
import { type XenTscCpuid, xenTscCpuid } from "../index.js";

it.each([
  ["a right shift is sign-extended", 3435973836, -1, 2_500_000_000n, [3435973836, 0xffff_ffff, 2_500_000]],
  ["none is 0", 2147483648, 0, 2_000_000_000n, [2147483648, 0, 2_000_000]],
  ["a left one is itself", 2147483648, 1, 1_000_000_000n, [2147483648, 1, 1_000_000]],
  ["a frequency in Hz is floored to kHz", 1, 0, 2_499_999_999n, [1, 0, 2_499_999]],
])("%s", (_title, mul, shift, hz, registers) => {
  const { subleaf1, subleaf2 } = xenTscCpuid({ mul, shift }, hz);
  expect([subleaf1.ecx, subleaf1.edx, subleaf2.eax]).toEqual(registers);
});

it("follows a vCPU's clock: at its first update, and again only when the frequency changes", () => {
  const seen: XenTscCpuid[] = [];
  const vm = runningVm({
    hostKhz: 3_000_000,
    guestKhz: 2_500_000,
    events: { onScale: (_vcpu, scale, hz) => seen.push(xenTscCpuid(scale, hz)) },
  });
  const inexact = { subleaf1: { ecx: 3435975211, edx: 0xffff_ffff }, subleaf2: { eax: 2_499_999 } };
  expect(seen).toEqual([inexact]);
  const [counter] = vm.tsc.vcpus;
  const [vcpu] = vm.vcpus;
  counter?.setTscKhz(1_500_000);
  expect(seen).toEqual([inexact]);
  vcpu?.request("clock-update");
  vcpu?.serviceRequests();
  const { mul, shift } = { mul: 2863311530, shift: 0 };
  expect(seen.slice(1)).toEqual([{ subleaf1: { ecx: mul, edx: shift }, subleaf2: { eax: 1_500_000 } }]);
});
