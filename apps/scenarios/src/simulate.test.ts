import { describe, expect, it } from "vitest";
import { ChronovisorError } from "./errors.js";
import { simulate } from "./simulate.js";

describe("simulate", () => {
  it("runs the newest kernel with every parameter at its default when told nothing", () => {
    const result = simulate("long-stop");
    expect(result.kernel).toBe("v7.3");
    expect(result.seed).toBe(1);
    expect(result.observations.expirations).toEqual({ value: 2n, unit: "count" });
  });

  it("takes the kernel with overrides, and parameters as text or in base units", () => {
    const text = simulate("long-stop", { kernel: "v6.18 + period0=stop-and-warn", set: { stop: "60s" } });
    expect(text.kernel).toBe("v6.18 + period0=stop-and-warn");
    expect(text.observations.cb?.value).toBe(60_029n);
    const number = simulate("long-stop", { kernel: "v6.18", set: { stop: 60_000_000_000n } });
    expect(number.observations.cb?.value).toBe(60_029n);
  });

  it.each([
    [
      "long-stopp",
      {},
      'scenario: expected one of periodic-drift, pinned-timer, ntp-slew, xen-accuracy, master-clock-yank, set-clock-pause, tsc-watchdog, master-clock-loss, non-master-anchors, host-suspend, hyperv-page, live-migration, long-stop, got "long-stopp" (did you mean long-stop?)',
    ],
    ["long-stop", { kernel: "v3.0" }, 'kernel: expected v4.5 or newer, got "v3.0"'],
    [
      "long-stop",
      { set: { stop: "3parsecs" } },
      'stop: expected a time such as 10m, 1h or 250us, got "3parsecs"',
    ],
    ["long-stop", { set: { stop: "31d" } }, 'stop: expected 0ns to 30d, got "31d"'],
  ])("refuses %s with %j", (scenario, options, message) => {
    expect(() => simulate(scenario, options)).toThrow(new ChronovisorError(message));
  });

  it.each([-1, 1.5, 2 ** 32, Number.NaN])("refuses seed %s", (seed) => {
    expect(() => simulate("long-stop", { seed })).toThrow(
      new RangeError(`simulate: expected a seed from 0 to 4294967295, got ${seed}`),
    );
  });
});
