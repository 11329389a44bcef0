import { HostTscHealth, hostTsc, VmTsc, WATCHDOG_TUNING } from "@chronovisor/clocksource";
import {
  DEADLINE_CLOCK_EXPERIMENTS,
  LAPIC_TIMER_BEHAVIOURS,
  PERIODIC_ADVANCE_PROPOSALS,
} from "@chronovisor/lapic";
import { PVCLOCK_BEHAVIOURS } from "@chronovisor/pvclock";
import { XEN_TIMER_BEHAVIOURS } from "@chronovisor/xen-timer";
import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import { AXES, OLDEST_RELEASE, RELEASES } from "./axes.js";
import { watchdogTuning } from "./guest-watchdog.js";
import { axisNames, axisValues, newestRelease, parseKernel, withOverride } from "./kernels.js";
import { tscBehaviours } from "./kvmclock-behaviours.js";
import { xenTimerBehaviours } from "./xen-behaviours.js";

/** docs/model/kernel-history §3, the rows and axes this table has: the value on either side of each boundary. */
describe.each([
  ["periodicAdvance", "v4.16", "independent", "v4.17", "resync"],
  ["periodicAdvance", "v6.18", "resync", "v6.19", "resync-clamped"],
  ["hrtimerRearm", "v6.18", "add-period", "v6.19", "set-target"],
  ["period0", "v6.18", "restart", "v6.19", "stop-and-warn"],
  ["switchToSw", "v4.16", "arm-past", "v4.17", "expire-and-advance"],
  ["hvModes", "v4.7", "none", "v4.8", "deadline"],
  ["hvModes", "v4.9", "deadline", "v4.10", "all"],
  ["unblockToHv", "v5.16", "always", "v5.17", "if-was-hv"],
  ["timerPlacement", "v4.5", "unpinned", "v4.6", "pinned"],
  ["timerPlacement", "v5.2", "pinned", "v5.3", "unpinned-kick"],
  ["advance", "v4.19", "fixed", "v4.20", "auto-global"],
  ["advance", "v5.0", "auto-global", "v5.1", "auto-vcpu-off-above-5000"],
  ["advance", "v5.2", "auto-vcpu-off-above-5000", "v5.3", "auto-vcpu-reset-above-5000"],
  ["advance", "v5.3", "auto-vcpu-reset-above-5000", "v5.4", "auto-vcpu-band"],
  ["advanceWait", "v5.0", "guest-cycles", "v5.1", "scaled-ns"],
  ["tdcr", "v4.14", "at-next-tmict", "v4.15", "immediate"],
  ["oneshotRestore", "v6.2", "full-period", "v6.3", "fire"],
  ["xenStart", "v5.18", "absent", "v5.19", "split-samples"],
  ["xenStart", "v6.8", "split-samples", "v6.9", "single-sample"],
  ["xenFutureFlag", "v5.18", "absent", "v5.19", "etime"],
  ["xenFutureFlag", "v6.6", "etime", "v6.7", "ignored"],
  ["xenDelivery", "v5.18", "absent", "v5.19", "deferred"],
  ["xenDelivery", "v6.6", "deferred", "v6.7", "fast"],
  ["xenTimerClock", "v6.8", "absent", "v6.9", "cached"],
  ["xenTimerClock", "v6.14", "cached", "v6.15", "area"],
  ["xenArgumentCopy", "v6.1", "physical", "v6.12", "virtual"],
  ["xenWallClock", "v6.1", "split-reads", "v6.12", "single-read"],
  ["xenLatch", "v6.1", "silent", "v6.12", "rewrites-wall-clock"],
  ["runstate", "v7.2", "wrap", "v7.3", "clamped"],
  ["xenRouting", "v7.2", "in-kernel", "v7.3", "needs-vcpu-id"],
  ["xenMapYank", "v7.2", "yank", "v7.3", "none"],
  ["base", "v5.4", "boot", "v5.5", "mixed"],
  ["base", "v5.5", "mixed", "v5.6", "raw"],
  ["userTsc", "v6.6", "1s-slop", "v6.7", "first-write-wins"],
  ["vcpuAddRefresh", "v6.6", "always", "v6.7", "on-change"],
  ["periodicSync", "v6.18", "300s", "v6.19", "none"],
  ["globalUpdate", "v6.18", "delayed-100ms", "v6.19", "immediate"],
  ["globalUpdate", "v7.0", "immediate", "v7.1", "ratelimited"],
  ["stoppedFlag", "v6.14", "bleeds", "v6.15", "kvmclock-only"],
  ["equalTarget", "v4.15", "stay", "v4.16", "move"],
  ["forceLocal", "v5.13", "off", "v5.14", "on"],
  ["eventDevice", "v7.0", "fixed-mult", "v7.1", "coupled"],
  ["delta", "v6.9", "unsigned", "v6.10", "safe"],
  ["negMotion", "v6.12", "msb", "v6.13", "seven-eighths"],
  ["guestWatchdog", "v6.1", "max-skew", "v6.12", "margins"],
])("%s", (axis, before, old, after, now) => {
  it(`is ${old} in ${before} and ${now} in ${after}`, () => {
    expect(parseKernel(before).axes[axis]).toBe(old);
    expect(parseKernel(after).axes[axis]).toBe(now);
  });
});

describe("the table", () => {
  it("speaks of every mainline release from v4.5 to v7.3, in order", () => {
    expect(RELEASES[0]).toBe(OLDEST_RELEASE);
    expect(newestRelease).toBe("v7.3");
    expect(RELEASES).toHaveLength(16 + 20 + 20 + 4);
    expect(RELEASES.slice(14, 18)).toEqual(["v4.19", "v4.20", "v5.0", "v5.1"]);
  });

  it("names only releases it has, oldest first on each axis, from its beginning", () => {
    for (const { name, history } of AXES) {
      const at = history.map(({ since }) => RELEASES.indexOf(since));
      expect(at[0], name).toBe(0);
      expect(
        at.every((index, i) => i === 0 || index > (at[i - 1] ?? 0)),
        name,
      ).toBe(true);
    }
  });

  it("gives the timer only values it knows, in the order it knows them", () => {
    for (const [axis, values] of Object.entries(LAPIC_TIMER_BEHAVIOURS)) {
      const released = AXES.find(({ name }) => name === axis)?.history.map(({ value }) => value) ?? [];
      expect(values.slice(0, released.length), axis).toEqual(released);
    }
  });

  it("gives a Xen timer what it knows, in its order, and says absent where the kernel has none", () => {
    for (const [axis, values] of Object.entries(XEN_TIMER_BEHAVIOURS)) {
      const known = axisValues(axis);
      expect([axis, known.filter((value) => value !== "absent")]).toEqual([axis, values]);
    }
    const absent = axisNames.filter((axis) => axisValues(axis).includes("absent"));
    expect(absent).toEqual(["xenStart", "xenFutureFlag", "xenDelivery", "xenTimerClock"]);
  });

  it("gives a VM's clock what it knows, the releases' values and the proposals, and leaves no axis out", () => {
    for (const [axis, values] of Object.entries(PVCLOCK_BEHAVIOURS)) {
      expect([axis, axisValues(axis)]).toEqual([axis, values]);
    }
  });

  it("gives a VM's counters values they take", () => {
    const health = new HostTscHealth("tsc");
    const clock = { tsc: () => hostTsc(0n), kvmclockBaseNs: () => 0n };
    for (const axis of ["userTsc", "vcpuAddRefresh", "tscKhzChange"]) {
      for (const value of axisValues(axis)) {
        const axes = tscBehaviours({ ...parseKernel(newestRelease).axes, [axis]: value });
        expect(new VmTsc({ hostTscKhz: 1, vendor: "vmx", ...axes, clock, health })).toMatchObject(axes);
      }
    }
  });

  it("gives a guest's watchdog the constants of one release for each value", () => {
    const [tuning61, tuning612] = ["v6.1", "v6.12.117"].map((name) => watchdogTuning(parseKernel(name).axes));
    // The 6.12 that was read is a late one of its stable series, which counts backward motion as v6.13 does.
    expect([tuning61, tuning612]).toEqual([WATCHDOG_TUNING["6.1"], WATCHDOG_TUNING["6.12"]]);
    expect(watchdogTuning(parseKernel("v6.12").axes)).toEqual({ ...tuning612, deltaRule: "msb" });
  });

  it("offers the timer's proposals and experiments as its own, and no others", () => {
    const experiments = (axis: string): string[] =>
      Object.keys(AXES.find(({ name }) => name === axis)?.alternatives ?? {}).sort();
    expect(experiments("periodicAdvance")).toEqual(Object.keys(PERIODIC_ADVANCE_PROPOSALS).sort());
    // No release has any way with a deadline but the first: the package's others are proposals all.
    const [released, ...proposed] = LAPIC_TIMER_BEHAVIOURS.deadlineClock;
    expect(parseKernel(newestRelease).axes.deadlineClock).toBe(released);
    expect(experiments("deadlineClock")).toEqual(
      [...proposed, ...Object.keys(DEADLINE_CLOCK_EXPERIMENTS)].sort(),
    );
  });
});

describe("parseKernel", () => {
  it.each(["v4.16", "4.16", "v4.16.0", " v4.16 "])("reads %j as v4.16", (text) => {
    expect(parseKernel(text).name).toBe("v4.16");
  });

  it.each([
    ["v9.1", "v7.3"],
    ["v4.21", "v4.20"],
    ["v5.99.4", "v5.19"],
    ["v6.1.95", "v6.1"],
    ["v7.4.1", "v7.3"],
  ])("reads %s, which the table does not have, by the row of %s", (text, row) => {
    const kernel = parseKernel(text);
    expect([kernel.name, kernel.release, kernel.axes]).toEqual([text, row, parseKernel(row).axes]);
  });

  it.each([
    ["v4.14.66", "v4.14.67", "periodicAdvance", "independent", "resync"],
    ["v4.14.66", "v4.14.67", "switchToSw", "arm-past", "expire-and-advance"],
    ["v4.16.12", "v4.16.13", "periodicAdvance", "independent", "resync"],
    ["v4.16.12", "v4.16.13", "switchToSw", "arm-past", "expire-and-advance"],
    ["v5.0.13", "v5.0.14", "advance", "auto-global", "auto-vcpu-off-above-5000"],
    ["v5.10.247", "v5.10.248", "periodicAdvance", "resync", "resync-clamped"],
    ["v5.15.197", "v5.15.198", "hrtimerRearm", "add-period", "set-target"],
    ["v6.1.191", "v6.1.192", "periodicAdvance", "resync", "resync-clamped"],
    ["v6.1.191", "v6.1.192", "oneshotRestore", "full-period", "fire"],
    ["v6.6.119", "v6.6.120", "period0", "restart", "stop-and-warn"],
    ["v6.12.63", "v6.12.64", "periodicAdvance", "resync", "resync-clamped"],
    ["v6.18.2", "v6.18.3", "periodicAdvance", "resync", "resync-clamped"],
    ["v6.12.116", "v6.12.117", "negMotion", "msb", "seven-eighths"],
  ])("knows what a stable series received: %s and %s", (before, after, axis, old, now) => {
    expect([parseKernel(before).axes[axis], parseKernel(after).axes[axis]]).toEqual([old, now]);
  });

  it("gives a stable release nothing else", () => {
    const changed = (a: string, b: string): string[] => {
      const [x, y] = [parseKernel(a).axes, parseKernel(b).axes];
      return axisNames.filter((axis) => x[axis] !== y[axis]);
    };
    expect(changed("v6.1", "v6.1.192")).toEqual([
      "periodicAdvance",
      "hrtimerRearm",
      "period0",
      "oneshotRestore",
    ]);
    expect(changed("v6.12", "v6.12.117")).toEqual([
      "periodicAdvance",
      "hrtimerRearm",
      "period0",
      "negMotion",
    ]);
    expect(changed("v5.0", "v5.0.21")).toEqual(["advance"]);
    expect(changed("v4.15", "v4.15.18")).toEqual([]);
    expect(changed("v6.19", "v6.19.400")).toEqual([]);
  });

  it("reads 6.1.95 as v6.1.95", () => {
    expect(parseKernel("6.1.95").name).toBe("v6.1.95");
  });

  it("takes overrides after the release, names them, and forgets those that change nothing", () => {
    const kernel = parseKernel("v4.16 + switchToSw=expire-and-advance + tdcr=immediate");
    expect(kernel.name).toBe("v4.16 + switchToSw=expire-and-advance");
    expect(kernel.release).toBe("v4.16");
    expect(kernel.axes).toEqual({ ...parseKernel("v4.16").axes, switchToSw: "expire-and-advance" });
  });

  it.each([
    ["v4.4", 'kernel: expected v4.5 or newer, got "v4.4"'],
    ["v2.6.32", 'kernel: expected v4.5 or newer, got "v2.6.32"'],
    ["v3.19.8", 'kernel: expected v4.5 or newer, got "v3.19.8"'],
    ["banana", 'kernel: expected a release such as v7.3, v6.12.64 or 6.1, got "banana"'],
    ["", 'kernel: expected a release such as v7.3, v6.12.64 or 6.1, got ""'],
    ["v6", 'kernel: expected a release such as v7.3, v6.12.64 or 6.1, got "v6"'],
    ["6.1.0-18-amd64", 'kernel: expected a release such as v7.3, v6.12.64 or 6.1, got "6.1.0-18-amd64"'],
    [
      "v6.12-rc3",
      'kernel: expected a release such as v7.3, v6.12.64 or 6.1, got "v6.12-rc3": a candidate has only a part of what its release has',
    ],
    ["v4.16 + tdcr", 'kernel: expected axis=value after "+", got "tdcr"'],
    ["v4.16 + tdcr=later", 'tdcr: expected one of at-next-tmict, immediate, got "later"'],
  ])("refuses %j", (text, message) => {
    expect(() => parseKernel(text)).toThrow(new ChronovisorError(message));
  });

  it("refuses an axis there is none of, and names the nearest", () => {
    expect(() => parseKernel("v4.16 + periodicAdvanc=resync")).toThrow(
      `axis: expected one of ${axisNames.join(", ")}, got "periodicAdvanc" (did you mean periodicAdvance?)`,
    );
  });
});

describe("withOverride", () => {
  it("takes experiments that no release has", () => {
    const kernel = withOverride(parseKernel("v6.19"), "periodicAdvance", "resync-signed");
    expect(kernel.axes.periodicAdvance).toBe("resync-signed");
    expect(axisValues("timerPlacement")).toEqual(["unpinned", "pinned", "unpinned-kick", "posted"]);
  });

  it("names the last of several values of one axis only", () => {
    const kernel = withOverride(parseKernel("v7.0 + deadlineClock=raw"), "deadlineClock", "recheck-on-wake");
    expect(kernel.name).toBe("v7.0 + deadlineClock=recheck-on-wake");
  });
});

describe("xenTimerBehaviours", () => {
  it("is none before v5.19, and with any part of it taken away", () => {
    expect(xenTimerBehaviours(parseKernel("v5.18").axes)).toBeUndefined();
    expect(xenTimerBehaviours(parseKernel("v6.9 + xenDelivery=absent").axes)).toBeUndefined();
  });

  it("reads the cached clock where a kernel before v6.9 is told to read one", () => {
    expect(xenTimerBehaviours(parseKernel("v6.8 + xenStart=single-sample").axes)).toEqual({
      xenStart: "single-sample",
      xenFutureFlag: "ignored",
      xenDelivery: "fast",
      xenTimerClock: "cached",
      xenArgumentCopy: "physical",
      xenRouting: "in-kernel",
      runstate: "wrap",
      xenWallClock: "split-reads",
      xenLatch: "silent",
      xenMapYank: "yank",
    });
  });
});
