import { expect, it } from "vitest";
import { tscReplays } from "./tsc.js";

it("a negative kernel_ns is the u64 it becomes in the difference with the generation's start", () => {
  const judge = tscReplays.find(({ file }) => file === "adjust_host")?.create();
  const unscaled = { vendor: "vmx", frac_bits: 48, ratio: "281474976710656" };
  const offsets = { l1_offset_before: "0", host_adjustment: "0", l1_offset_after: "0" };
  // 1 GHz: (2^64 − 1 − (2^64 − 3)) ns are 2 cycles.
  const scale = { virtual_tsc_mult: 2_147_483_648, virtual_tsc_shift: 1 };
  const start = { this_tsc_nsec: "18446744073709551613", this_tsc_write: "5" };
  const row = { ...unscaled, ...offsets, ...scale, ...start, kernel_ns: "-1", compute_guest_tsc: "7" };
  expect(judge?.(row)).toBeUndefined();
});
