import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import type { GuestCpu } from "../../machine/guest/guest.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks } from "../../scenario/types.js";
import { storyRuns, value } from "../fixtures/story-runs.js";
import { buildPageMachine } from "./guest.js";
import { hypervPage } from "./index.js";
import { migrate } from "./migration.js";

/** Every run is also held to what is expected of it. */
const { run, runOnce } = storyRuns(hypervPage);
const { axes } = parseKernel("v7.3");
const params = (set: Record<string, string> = {}): ReturnType<typeof parseParams<typeof hypervPage.params>> =>
  parseParams(hypervPage.params, set);

/** docs/model/scenarios-clock §S9. */
describe("a page at 3.0 to 2.5 GHz", () => {
  it("has the scale 0x10624e40e147ae1, and keeps to kvmclock within 100 ns for a day", () => {
    const result = runOnce("v7.3");
    expect(value(result, "scale")).toBe("0x10624e40e147ae1");
    expect(value(result, "worst")).toBe(33n);
  });

  it.each([
    ["3GHz", "2.5GHz", "48", "0x10624e40e147ae1"],
    // docs/model/pvclock §9.
    ["2.5GHz", "2.5GHz", "48", "0x10624dd2e147ae1"],
    ["2GHz", "2GHz", "48", "0x147ae147ae147ae"],
    ["3GHz", "2.5GHz", "32", "0x10624e40e147ae1"],
  ])("or at %s to %s with %s bits a scale of its own: %s", (hostKhz, guestKhz, fracBits, scale) => {
    expect(value(run("v7.3", { hostKhz, guestKhz, fracBits, age: "10s" }), "scale")).toBe(scale);
  });

  it("is 345 753 units ahead of the counter after a day, by which the counter steps as a page comes into force", () => {
    const result = runOnce("v7.3");
    // 34 575 350 ns: either reading floors to a unit.
    expect(value(result, "fallback")).toBe(-345_754n);
    expect(value(result, "inForce")).toBe(345_754n);
    expect(value(result, "frozenAhead")).toBe(34_575_317n);
  });

  it("but one that the guest names itself takes a new reference, and the counter steps to that", () => {
    // −5 129 725 ns: CLOCK_MONOTONIC_RAW against the host's TSC, whatever the guest's.
    expect(value(runOnce("v7.3"), "named")).toBe(-51_297n);
  });

  it("goes through what happens to it", () => {
    expect(runOnce("v7.3").tables.events?.rows).toEqual([
      ["guest names a page", -5_129_700n, -58n, "set", 1n],
      ["new reference", -39_705_100n, -58n, "set", 4n],
      ["guest takes it away", -34_575_400n, -34_575_433n, "unset", 2n],
      ["host leaves its TSC", -39_705_100n, -58n, "broken", 0n],
      ["host returns to it", 0n, -41n, "broken", 0n],
      ["guest names it again", -1_282_400n, -50n, "set", 1n],
      ["guest is moved", -34_575_400n, -83n, "set", 4n],
      ["moved, emulated TSC", 0n, 34_575_317n, "set", 2n],
    ]);
  });
});

it("a page written at a reference that is not 0 is up to two units off kvmclock: time and TSC floor apart", () => {
  const machine = buildPageMachine(params(), axes);
  const { host, vm, reference } = machine;
  const off: bigint[] = [];
  const reads = Array.from({ length: 200 }, (_, i) => ({
    at: machine.guestTscAt(20_000_000_000n + BigInt(i) * 1_234_567n),
    act: (cpu: GuestCpu) => {
      const { time, clockNs } = machine.see(cpu);
      off.push(time * 100n - clockNs);
    },
  }));
  machine.start([{ at: machine.guestTscAt(0n), act: (cpu) => reference.enable(cpu) }, ...reads]);
  host.engine.runUntil(host.tscAt(10_123_456_789n));
  vm.clock.requestMasterClockUpdates();
  host.engine.runUntil(host.tscAt(21_000_000_000n));
  expect(off).toHaveLength(200);
  // docs/model/scenarios-clock §S9 allows 100 ns, which holds from a reference at 0.
  expect(off.every((ns) => ns > -200n && ns < 100n)).toBe(true);
  expect(off.some((ns) => ns < -101n)).toBe(true);
});

describe("a guest that is moved", () => {
  it.each(["3.1GHz", "2.4GHz", "2.5GHz"])("to %s keeps its page to the unit under an emulated TSC", (khz) => {
    const migration = migrate(params({ destinationKhz: khz }), axes, "on");
    expect([migration.step, migration.status, migration.sequence]).toEqual([0n, "set", 2n]);
  });

  it("without one has it written anew, by each vCPU's reference", () => {
    for (const vcpus of [1n, 2n, 5n]) {
      const off = migrate(params({ vcpus: String(vcpus), age: "1h" }), axes, "off");
      const on = migrate(params({ vcpus: String(vcpus), age: "1h" }), axes, "on");
      expect(off.sequence - on.sequence).toBe(vcpus);
    }
  });
});

describe("the proposals", () => {
  it("let the counter go by the guest's TSC, so that it says what the page says", () => {
    const result = runOnce("v7.3 + getClock=via-guest-tsc + guestKhz=hz");
    expect(["fallback", "removed", "moved", "frozen", "inForce"].map((name) => value(result, name))).toEqual([
      0n,
      0n,
      0n,
      0n,
      0n,
    ]);
  });

  it("leave what a new reference does: the host's clock is 60 ppb slow", () => {
    const step = (kernel: string): unknown => value(runOnce(kernel), "reference");
    expect(step("v7.3 + getClock=via-guest-tsc")).toBe(-397_051n);
    // −5 129 725 ns of the host's, −75 436 of the guest's own floors.
    expect(step("v7.3 + getClock=via-guest-tsc + guestKhz=hz")).toBe(-52_052n);
  });
});

describe("the scenario", () => {
  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v7.3", { age: "1h" })));
    expect(json()).toBe(json());
  });

  it("says in one line where the guest's time is without its page", () => {
    const verdict = (kernel: string, set: Record<string, string> = {}): string =>
      hypervPage.verdict(runOnce(kernel, set), kernel);
    expect(verdict("v7.3")).toBe(
      "v7.3: a guest that is without its page after 86 400 s finds its time 34.575 ms back",
    );
    expect(verdict("v7.3", { hostKhz: "2GHz", age: "10d" })).toMatch(/ finds its time 201\.\d+ µs on$/);
    expect(verdict("v7.3", { guestKhz: "3GHz", age: "1h" })).toMatch(/ where the page had it$/);
  });

  it("stops when it is told to, and ends its progress where it said it would", () => {
    const stop = new AbortController();
    const onFirst: RunHooks["onProgress"] = () => stop.abort(new Error("enough"));
    expect(() => run("v7.3", {}, { signal: stop.signal, onProgress: onFirst })).toThrow("enough");
    let last = { simulatedNs: 0n, totalNs: 1n };
    run("v7.3", { age: "100s" }, { onProgress: (progress) => (last = progress) });
    expect(last.simulatedNs).toBe(last.totalNs);
    expect(hypervPage.lengthNs(params({ age: "100s" }))).toBe(last.totalNs);
  });
});
