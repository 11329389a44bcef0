import { expect, it } from "vitest";
import { SimulatedHost } from "../../test/simulated-vm.js";
import { kvmclockBaseNs } from "../index.js";

it.each([
  ["raw", 999_999_947n],
  ["boot", 2_000n],
  ["mixed", 2_000n],
] as const)("with base %s the clock behind kvmclock reads %i", (base, ns) => {
  const host = new SimulatedHost(2_500_000);
  host.advance(1n);
  host.offsBootNs = 7n;
  host.boottimeNs = () => 2_000n as ReturnType<typeof host.boottimeNs>;
  expect(kvmclockBaseNs(host, base)).toBe(ns);
});

it("is the u64 pattern of a clock below 0", () => {
  const host = new SimulatedHost(2_500_000);
  host.offsBootNs = -1n;
  expect(kvmclockBaseNs(host, "raw")).toBe(2n ** 64n - 1n);
});

it("asks for a host and a known base", () => {
  expect(() => kvmclockBaseNs(null as never, "raw")).toThrow(TypeError);
  expect(() => kvmclockBaseNs(new SimulatedHost(1_000_000), "" as never)).toThrow(RangeError);
});
