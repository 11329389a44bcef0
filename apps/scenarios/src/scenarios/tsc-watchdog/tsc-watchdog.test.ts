import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../../errors.js";
import { parseKernel } from "../../kernels/kernels.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks } from "../../scenario/types.js";
import { storyRuns } from "../fixtures/story-runs.js";
import { tscWatchdog } from "./index.js";
import { outcomeOf } from "./outcome.js";
import { watch } from "./watch.js";

const KERNEL = "v6.12";
/** A host whose TSC is the guest's. */
const SAME = { hostKhz: "2.5GHz", guestKhz: "2.5GHz" };

/** Every run is also held to what is expected of it. */
const { run } = storyRuns(tscWatchdog);
/** One guest, without the tables. */
const alone = (set: Record<string, string>, kernel: string = KERNEL): ReturnType<typeof watch> =>
  watch(parseParams(tscWatchdog.params, { length: "3s", ...set }), parseKernel(kernel).axes);

/** docs/model/scenarios-clock §S8. */
describe("a guest of 2.5 GHz on a host that does not scale its TSC", () => {
  it.each([
    ["2503MHz", "0ns", 599_250n, "skew"],
    ["2502250kHz", "0ns", 449_566n, "kept"],
    ["2502250kHz", "50us", 449_566n, "skew"],
    ["2501010kHz", "50us", 201_889n, "skew"],
    ["2501MHz", "50us", 199_890n, "kept"],
  ])(
    "at %s and a skew of %s (0: the default): %i ns a check, %s",
    (hostKhz, maxSkew, perCheckNs, outcome) => {
      const seen = alone({ hostKhz, maxSkew });
      expect([seen.perCheckNs, outcomeOf(seen)]).toEqual([perCheckNs, outcome]);
      expect(seen.unstable?.check).toBe(outcome === "skew" ? 2 : undefined);
    },
  );

  it("is refused its frequency, and has it all the same", () => {
    const { setTscKhz, virtualTscKhz, tscKhz } = alone({ hostKhz: "2503MHz" });
    expect([setTscKhz, virtualTscKhz, tscKhz]).toEqual([-22, 2_500_000, 2_500_000]);
    expect(alone({ hostKhz: "2500500kHz" }).setTscKhz).toBe(0);
  });

  it("gains 77.8 s a day at 900 ppm, and nobody notices", () => {
    const perDay = run(KERNEL).observations.perDay?.value as bigint;
    expect(perDay / 100_000_000n).toBe(777n);
  });

  it.each([
    ["v6.1", "2502250kHz", "skew"],
    ["v6.1", "2501900kHz", "kept"],
    ["v6.12", "2502250kHz", "kept"],
    ["v6.12", "2502510kHz", "skew"],
  ])("has %s allow so much: %s, %s", (kernel, hostKhz, outcome) => {
    expect(outcomeOf(alone({ hostKhz }, kernel))).toBe(outcome);
  });
});

/** docs/model/scenarios-clock §S8, docs/model/clocksource-tsc §4. */
describe("a read-back delay of 600 µs", () => {
  it.each([
    ["0ns", "every-try", "read-back"],
    ["250us", "every-try", "read-back"],
    ["251us", "every-try", "skipped"],
    ["251us", "first-try", "skipped"],
    ["250us", "first-try", "kept"],
  ])("with %s between two reads of kvm-clock, on %s: %s", (backDelay, delayed, outcome) => {
    const seen = alone({ ...SAME, readDelay: "600us", backDelay, delayed });
    expect(outcomeOf(seen)).toBe(outcome);
    if (outcome === "read-back")
      expect(seen.unstable?.reason).toEqual({ kind: "read-back", delayNs: 600_000n });
  });

  it("that is the watchdog's own puts the next check off by 300 s", () => {
    const set = { ...SAME, readDelay: "600us", backDelay: "300us" };
    expect(alone({ ...set, length: "300s" }).skips).toBe(1);
    expect(alone({ ...set, length: "302s" }).skips).toBe(2);
  });

  it.each([
    ["v6.1", "99us", "kept"],
    ["v6.1", "101us", "read-back"],
    ["v6.12", "499us", "kept"],
    ["v6.12", "501us", "read-back"],
  ])("is more than %s lets pass, as %s shows: %s", (kernel, readDelay, outcome) => {
    expect(outcomeOf(alone({ ...SAME, readDelay }, kernel))).toBe(outcome);
  });
});

/** docs/model/pvclock §1.6 and the end of docs/model/scenarios-clock §S8. */
describe("a scaled TSC that is calibrated by kvm-clock", () => {
  it.each([
    ["3GHz", "2.5GHz", 2_499_998],
    ["2.4GHz", "2.5GHz", 2_499_998],
    ["2.5GHz", "2.5GHz", 2_500_000],
  ])("%s to %s is taken for %i kHz and kept: no more than 0.25 µs a check", (hostKhz, guestKhz, khz) => {
    const seen = alone({ hostKhz, guestKhz, scaling: "present", calibration: "kvm-clock" });
    expect([seen.tscKhz, outcomeOf(seen)]).toEqual([khz, "kept"]);
    const perCheckNs = seen.perCheckNs ?? 0n;
    if (khz === 2_499_998) expect(perCheckNs >= 200n && perCheckNs < 250n).toBe(true);
    else expect(perCheckNs).toBeOneOf([-31n, -30n, -29n]);
  });
});

describe("the scenario", () => {
  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v6.1")));
    expect(json()).toBe(json());
  });

  it.each([
    ["v6.1", {}, "the guest gives up its TSC, 449.57 µs off in half a second, where 400 µs are allowed"],
    ["v6.12", { length: "1m" }, "the guest keeps a TSC that gains 77.755 s a day"],
    ["v6.12", { ...SAME, readDelay: "1ms" }, "the guest gives up its TSC, because reading it took too long"],
    [
      "v6.12",
      { ...SAME, readDelay: "1ms", backDelay: "1ms" },
      "the guest's watchdog compares nothing, and looks again after 300 s",
    ],
  ])("says of %s with %o in one line what became of the TSC", (kernel, set, words) => {
    expect(tscWatchdog.verdict(run(kernel, set), kernel)).toBe(`${kernel}: ${words}`);
  });

  it.each([
    [{ maxSkew: "49us" }, 'maxSkew: expected 0, or 50us to 1ms, got "49us"'],
    [{ maxSkew: "50500ns" }, 'maxSkew: expected whole microseconds, got "50.5us"'],
    [
      { hostKhz: "2.4GHz" },
      'hostKhz: expected at least guestKhz (2.5GHz) where nothing scales the TSC: a slower host catches up in software, got "2.4GHz"',
    ],
    [
      { hostKhz: "6GHz" },
      'hostKhz: expected at most twice guestKhz (5GHz) where nothing scales the TSC, got "6GHz"',
    ],
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
    expect(tscWatchdog.lengthNs(parseParams(tscWatchdog.params, {}))).toBe(last.totalNs);
  });
});
