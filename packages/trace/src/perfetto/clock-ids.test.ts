import { describe, expect, it } from "vitest";
import { clockId, fnv1a32, qualifiedClockName } from "./clock-ids.js";

describe("clockId", () => {
  it.each([
    ["CLOCK_REALTIME", 1],
    ["CLOCK_MONOTONIC", 3],
    ["CLOCK_MONOTONIC_RAW", 5],
    ["kvmclock.vcpu0", 0xe5db_a5e5],
    ["guest_tsc.vcpu0", 0xad78_06f8],
    ["host_tsc", 0xe695_5de6],
  ])("of %s is %i", (name, id) => {
    expect(clockId(name)).toBe(id);
  });

  it.each(["CLOCK_BOOTTIME", "CLOCK_TAI", "", "no ASCII: µ"])("of %j is a global one", (name) => {
    expect(clockId(name)).toBeGreaterThanOrEqual(0x8000_0000);
    expect(clockId(name)).toBeLessThan(2 ** 32);
  });

  it.each([
    ["CLOCK_BOOTTIME", "chronovisor.host.boottime"],
    ["CLOCK_TAI", "chronovisor.host.tai"],
    ["xen.vcpu1", "chronovisor.xen.vcpu1"],
  ])("hashes the qualified name: that of %s is %s", (name, qualified) => {
    expect(qualifiedClockName(name)).toBe(qualified);
    expect(clockId(name)).toBe((fnv1a32(qualified) | 0x8000_0000) >>> 0);
  });
});

describe("fnv1a32", () => {
  // The check values of the FNV reference code.
  it.each([
    ["", 0x811c_9dc5],
    ["a", 0xe40c_292c],
    ["foobar", 0xbf9c_f968],
  ])("of %j is %i", (text, hash) => {
    expect(fnv1a32(text)).toBe(hash);
  });
});
