import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks } from "../../scenario/types.js";
import { storyRuns, value } from "../fixtures/story-runs.js";
import { masterClockYank } from "./index.js";
import { yank } from "./yank.js";

/** Every run is also held to what is expected of it. */
const { run, runOnce } = storyRuns(masterClockYank);
/** One VM, without the table of the other frequencies. */
const alone = (kernel: string, set: Record<string, string>): ReturnType<typeof yank> =>
  yank(parseParams(masterClockYank.params, set), parseKernel(kernel).axes, { afterNs: 1_000_000_000n });

/** docs/model/scenarios-clock §S3. */
describe("after 24 h, a new reference", () => {
  it.each([
    ["2.5GHz", "2.5GHz", -5_129_725n],
    ["2.4GHz", "2.4GHz", 4_127_920n],
    ["2GHz", "2GHz", 0n],
    ["3GHz", "2.5GHz", -39_705_075n],
    ["2.4GHz", "2.5GHz", -30_435_360n],
    ["2.9GHz", "2.5GHz", -33_010_281n],
    ["2.6GHz", "1.95GHz", -5_138_777n],
  ])("at %s to %s makes the clock of 2 vCPUs jump by %i ns", (hostKhz, guestKhz, jumpNs) => {
    const seen = alone("v7.2", { hostKhz, guestKhz, vcpus: "2", cause: "request" });
    expect(seen.jumpNs).toBe(jumpNs);
    expect(seen.references.map((reference) => reference.jumpNs)).toEqual([jumpNs, 0n]);
    expect(seen.tscStable).toBe(true);
  });

  it("makes two reads 2 µs apart go back, under a flag that says no clamp is needed", () => {
    const result = runOnce("v7.2");
    expect(value(result, "reads")).toBe(-5_127_726n);
    expect([value(result, "backwards"), value(result, "stable")]).toEqual([true, true]);
  });

  it("is taken by each of 4 vCPUs, and only the first makes the clock jump; by one alone under the proposal", () => {
    const jumps = (kernel: string): unknown =>
      runOnce(kernel).tables.references?.rows.map(([, , jumpNs]) => jumpNs);
    expect(jumps("v7.2")).toEqual([-5_129_725n, 0n, 0n, 0n]);
    expect(jumps("v7.2 + masterClockRequests=once")).toEqual([-5_129_725n]);
  });

  it("brings the guest's clock and the host's together, and they part again at their rates", () => {
    const points = runOnce("v7.2").series.ahead?.points ?? [];
    const hours = (ns: bigint): bigint | undefined => points.find(([at]) => at === ns)?.[1];
    expect(hours(86_400_000_001_000n)).toBeOneOf([-1n, 0n, 1n]);
    expect(hours(108_000_000_000_000n)).toBeOneOf([1_282_430n, 1_282_431n, 1_282_432n]);
  });
});

/** docs/model/scenarios-clock §S3, last paragraph: a jump of 500 µs. */
describe("the guest's watchdog gives up the TSC", () => {
  it.each([
    ["2.5GHz", "2.5GHz", "8421s", false],
    ["2.5GHz", "2.5GHz", "8422s", true],
    ["3GHz", "2.5GHz", "1087s", false],
    ["3GHz", "2.5GHz", "1088s", true],
    ["2GHz", "2GHz", "7d", false],
    ["2.4GHz", "2.4GHz", "10465s", false],
    ["2.4GHz", "2.4GHz", "10466s", true],
  ])("at %s to %s, for a yank at an age of %s: %s", (hostKhz, guestKhz, age, unstable) => {
    const seen = alone("v7.2", { hostKhz, guestKhz, age, vcpus: "1" });
    expect(seen.unstable !== undefined).toBe(unstable);
  });

  it("for 400 µs already, if it is of 6.1", () => {
    const at = (kernel: string, age: string): boolean =>
      alone(kernel, { age, vcpus: "1" }).unstable !== undefined;
    expect([at("v6.1", "6737s"), at("v6.1", "6738s"), at("v7.2", "6738s")]).toEqual([false, true, false]);
  });

  it("however far the clock goes back: beyond half a second it seems to stand still", () => {
    const { jumpNs, unstable } = alone("v7.2", { hostKhz: "3GHz", guestKhz: "2.5GHz", age: "12d" });
    expect(jumpNs).toBeLessThan(-470_000_000n);
    expect(unstable).toEqual({ kind: "skew", sourceNs: 500_000_017n, watchdogNs: expect.any(BigInt) });
  });
});

describe("what takes a new reference", () => {
  it.each([
    ["xen-map", "v7.2", 4n, -5_129_725n],
    ["xen-map", "v7.3", 0n, 0n],
    ["hotplug", "v6.6", 1n, -5_129_725n],
    ["hotplug", "v6.7", 0n, 0n],
    ["request", "v7.3", 4n, -5_129_725n],
    ["set-clock", "v7.3", 1n, 0n],
  ])("%s in %s: %i taken, a jump of %i ns", (cause, kernel, references, jumpNs) => {
    const seen = alone(kernel, { cause });
    expect([BigInt(seen.references.length), seen.jumpNs]).toEqual([references, jumpNs]);
  });

  it("KVM_SET_CLOCK of its own value costs a scaled guest what KVM reckons wrong (docs/model/pvclock §6)", () => {
    const set = { cause: "set-clock", hostKhz: "3GHz", guestKhz: "2.5GHz" };
    expect(alone("v7.3", set).jumpNs).toBe(-34_575_350n);
    expect(alone("v7.3 + getClock=via-guest-tsc", set).jumpNs).toBe(0n);
  });
});

describe("the scenario", () => {
  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v7.2")));
    expect(json()).toBe(JSON.stringify(runToJson(runOnce("v7.2"))));
  });

  it.each([
    [
      "v7.2",
      {},
      "mapping Xen's shared_info throws the guest's clock back by 5.1297 ms, and its watchdog gives up the TSC",
    ],
    ["v7.3", {}, "mapping Xen's shared_info leaves the guest's clock where it is"],
    [
      "v7.2",
      { hostKhz: "2.4GHz", age: "1h" },
      "mapping Xen's shared_info puts the guest's clock forward by 172 µs",
    ],
    [
      "v6.6",
      { cause: "hotplug", age: "1h" },
      "plugging in a vCPU throws the guest's clock back by 213.74 µs",
    ],
  ])("says of %s with %o in one line what became of the clock", (kernel, set, words) => {
    expect(masterClockYank.verdict(runOnce(kernel, set), kernel)).toBe(`${kernel}: ${words}`);
  });

  it("stops when it is told to, and ends its progress where it said it would", () => {
    const stop = new AbortController();
    const onFirst: RunHooks["onProgress"] = () => stop.abort(new Error("enough"));
    expect(() => run("v7.2", {}, { signal: stop.signal, onProgress: onFirst })).toThrow("enough");
    let last = { simulatedNs: 0n, totalNs: 1n };
    run("v7.2", {}, { onProgress: (progress) => (last = progress) });
    expect(last.simulatedNs).toBe(last.totalNs);
    expect(masterClockYank.lengthNs(parseParams(masterClockYank.params, {}))).toBe(last.totalNs);
  });
});
