import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../../errors.js";
import { parseKernel } from "../../kernels/kernels.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks } from "../../scenario/types.js";
import { storyRuns, value } from "../fixtures/story-runs.js";
import { setClockPause } from "./index.js";
import { pauseGuest } from "./pause.js";

const KERNEL = "v7.3";
/** Frequencies at which KVM reckons as the guest does. */
const UNSCALED = { hostKhz: "2.5GHz", guestKhz: "2.5GHz" };

/** Every run is also held to what is expected of it. */
const { run } = storyRuns(setClockPause);
/** One pause, without the table of all. */
const alone = (set: Record<string, string>, kernel: string = KERNEL): ReturnType<typeof pauseGuest> =>
  pauseGuest(parseParams(setClockPause.params, set), parseKernel(kernel).axes);

/** docs/model/scenarios-clock §S5: the worst phase is just before a pass. */
describe("a clock set to what it was after a pause", () => {
  it.each([
    ["400us", "unnoticed"],
    ["600us", "unstable"],
    ["10ms", "unstable"],
    ["499ms", "unstable"],
    ["501ms", "not compared"],
    ["1h", "not compared"],
  ])("of %s just before a pass of the watchdog: %s", (pause, outcome) => {
    expect(alone({ ...UNSCALED, pause }).log.outcome).toBe(outcome);
  });

  it.each([
    ["400us", "unnoticed"],
    ["600us", "unstable"],
    ["750ms", "unstable"],
    ["999ms", "unstable"],
    ["1001ms", "not compared"],
  ])("of %s just after one: %s, as the next is up to a second away", (pause, outcome) => {
    expect(alone({ ...UNSCALED, pause, phase: "1us" }).log.outcome).toBe(outcome);
  });

  it("loses the pause exactly where KVM reckons as the guest does, and the guest's TSC counts on", () => {
    const seen = alone({ ...UNSCALED, pause: "10ms" });
    expect([seen.lostNs, seen.acrossNs, seen.tscCycles]).toEqual([10_000_000n, 0n, 25_000_000n]);
    expect(seen.log.reason).toMatchObject({ kind: "skew" });
  });

  it.each([
    ["3GHz", "2.5GHz", "10s", 4_001n],
    ["3GHz", "2.5GHz", "1h", 1_440_639n],
    ["3GHz", "2.5GHz", "1d", 34_575_350n],
    ["2GHz", "2.5GHz", "1d", -20_117n],
  ])(
    "loses at %s to %s and an age of %s %i ns more; nothing more under the proposal",
    (hostKhz, guestKhz, age, more) => {
      const set = { hostKhz, guestKhz, age, pause: "10ms" };
      expect(alone(set).lostNs).toBe(10_000_000n + more);
      expect(alone(set, `${KERNEL} + getClock=via-guest-tsc`).lostNs).toBe(10_000_000n);
    },
  );
});

describe("what spares the guest its TSC", () => {
  it.each(["600us", "10ms", "400ms"])("KVM_CLOCK_REALTIME does, for %s", (pause) => {
    const seen = alone({ ...UNSCALED, pause, set: "realtime" });
    expect(seen.lostNs).toBeOneOf([-1n, 0n, 1n, 23n, 24n]);
    expect(seen.log.outcome).toBe("unnoticed");
  });

  it("KVM_CLOCK_REALTIME does not, where KVM reckoned half a millisecond wrong", () => {
    expect(alone({ set: "realtime", age: "1h" }).log.outcome).toBe("unstable");
    expect(alone({ set: "realtime", age: "1h" }, `${KERNEL} + getClock=via-guest-tsc`).log.outcome).toBe(
      "unnoticed",
    );
  });

  it.each([
    ["5us", "unnoticed"],
    ["600us", "unstable"],
  ])("KVM_CLOCK_REALTIME leaves the clock ahead by what passes before it is read: %s, %s", (gap, outcome) => {
    const seen = alone({ ...UNSCALED, set: "realtime", gap });
    const gapNs = gap === "5us" ? 5_000n : 600_000n;
    expect(seen.lostNs + gapNs).toBeOneOf([-1n, 0n, 1n]);
    expect(seen.log.outcome).toBe(outcome);
  });

  it("KVM_SET_CLOCK_GUEST does, and the clock goes on as if nothing had been", () => {
    const seen = alone({ pause: "1h", set: "guest", age: "1h" });
    const passedNs = 3_600_000_000_000n - seen.lostNs;
    // The guest's clock is 399.94 ppb fast (docs/model/pvclock §2).
    expect(passedNs).toBeOneOf([3_600_001_439_800n, 3_600_001_439_801n, 3_600_001_439_802n]);
  });

  it.each([
    ["untold", "unstable"],
    ["told", "unstable"],
    ["heeded", "starts over"],
  ])("GUEST_STOPPED %s: %s", (flag, outcome) => {
    expect(alone({ ...UNSCALED, pause: "10ms", flag }).log.outcome).toBe(outcome);
  });
});

describe("a clock set back", () => {
  it("makes a guest that trusts TSC_STABLE read the past, by exactly the difference", () => {
    const seen = alone({ ...UNSCALED, pause: "10ms", back: "1s" });
    expect(seen.acrossNs).toBe(-1_000_000_000n);
    expect(seen.tscStable).toBe(true);
    expect(seen.standstillNs).toBeUndefined();
  });

  it("stands still for a guest without it, until it has caught up", () => {
    const seen = alone({ ...UNSCALED, pause: "10ms", back: "1s", kvmclock: "old" });
    expect([seen.acrossNs, seen.stands, seen.tscStable]).toEqual([0n, true, false]);
    // The host's clock is 59.4 ppb slow against the guest's, which was put on it 10 s before.
    expect((seen.standstillNs ?? 0n) - 1_000_000_000n).toBeOneOf([593n, 594n, 595n]);
  });
});

it.each([
  ["new", "v4.5"],
  ["new", "v5.5"],
  ["new", KERNEL],
  ["old", KERNEL],
])("a VM whose clock is set to 0 right after its start starts at 0: %s kvm-clock, %s", (kvmclock, kernel) => {
  expect(value(run(kernel, { kvmclock }), "startAtZero")).toBe(0n);
});

describe("the scenario", () => {
  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run(KERNEL)));
    expect(json()).toBe(json());
  });

  it.each([
    [{}, "a pause of 10 ms leaves kvm-clock 10.004 ms behind, and the guest gives up its TSC"],
    [{ flag: "heeded" }, "a pause of 10 ms leaves kvm-clock 10.004 ms behind, and its watchdog starts over"],
    [
      { pause: "1h" },
      "a pause of 3 600 s leaves kvm-clock 3 600 s behind, and its watchdog does not compare so long an interval",
    ],
    [
      { pause: "1ms", set: "guest" },
      "a pause of 1 ms leaves kvm-clock on time, and its watchdog notices nothing",
    ],
  ])("says of %o in one line what became of the clocks", (set, words) => {
    expect(setClockPause.verdict(run(KERNEL, set), KERNEL)).toBe(`${KERNEL}: ${words}`);
  });

  it.each([
    [
      { set: "guest", kvmclock: "old" },
      'set: expected clock for a guest without a master clock (kvmclock=old), got "guest"',
    ],
    [
      { set: "guest", back: "1ms" },
      'back: expected 0 where the clock goes on by the guest\'s TSC (set=guest), got "1ms"',
    ],
    [{ gap: "1us" }, 'gap: expected 0 where CLOCK_REALTIME is not read (set=clock), got "1us"'],
    [{ back: "6s" }, 'back: expected at most half of age (5s), got "6s"'],
  ])("refuses %o", (set, message) => {
    expect(() => run(KERNEL, set)).toThrow(new ChronovisorError(message));
  });

  it("stops when it is told to, and ends its progress where it said it would", () => {
    const stop = new AbortController();
    const onFirst: RunHooks["onProgress"] = () => stop.abort(new Error("enough"));
    expect(() => run(KERNEL, {}, { signal: stop.signal, onProgress: onFirst })).toThrow("enough");
    let last = { simulatedNs: 0n, totalNs: 1n };
    run(KERNEL, {}, { onProgress: (progress) => (last = progress) });
    expect(last.simulatedNs).toBe(last.totalNs);
    expect(setClockPause.lengthNs(parseParams(setClockPause.params, {}))).toBe(last.totalNs);
  });
});
