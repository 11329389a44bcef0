import type { HostTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { migrateWorksheet } from "../../calc/migrate.js";
import { parseKernel } from "../../kernels/kernels.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks, RunResult } from "../../scenario/types.js";
import { storyRuns, value } from "../fixtures/story-runs.js";
import { liveMigration } from "./index.js";
import { type LiveMigrationParams, liveMigrationParams } from "./params.js";
import { type SavedGuest, saveGuest } from "./source.js";
import { cell } from "./table-cells.js";
import { lastWrites, writeEveryTsc } from "./tsc-writes.js";
import { arriveUnscaled, unscaledCases } from "./unscaled.js";

const PRECISE = "v7.3 + getClock=via-guest-tsc";
/** Destinations without scaling are watched for a day only where that is asked about. */
const BRIEFLY = { watch: "1min" };

/** Every run is also held to what is expected of it. */
const { run } = storyRuns(liveMigration, BRIEFLY);
const column = (result: RunResult, table: string, name: string): unknown[] =>
  (result.tables[table]?.rows ?? []).map((_, line) => cell(result, table, line, name));

const defaults: LiveMigrationParams = parseParams(liveMigrationParams, {});
const NEWEST = parseKernel("v7.3").axes;

/** docs/model/scenarios-clock §S4: 2.9 GHz to 3.1 GHz, a guest of 2.5 GHz an hour old. */
describe("the page's guest", () => {
  const saved: SavedGuest = saveGuest(defaults, NEWEST);

  it("leaves its source as the page has it", () => {
    expect(saved.clock.hostTsc).toBe(250_560_000_000_000n);
    expect(BigInt.asIntN(64, saved.offset)).toBe(-206_999_999_999_999n);
    expect(saved.guestTsc).toBe(9_000_000_000_000n);
    expect(saved.guestNs).toBe(3_600_001_439_801n);
    expect(saved.clock.clock).toBe(3_599_999_999_958n);
  });

  it.each([
    ["scaled-offset", 6_501_250_000_001n, 9_001_250_000_000n, 0n],
    ["documented-offset", 40_461_250_000_001n, 42_961_250_000_000n, 33_960_000_000_000n],
  ])("gets by the %s an offset of %i and a TSC of %i, %i cycles ahead", (tsc, offset, guestTsc, ahead) => {
    const result = run("v7.3", { tsc });
    expect(value(result, "offset")).toBe(offset);
    expect(value(result, "guestTsc")).toBe(guestTsc);
    expect(value(result, "tscAheadCycles")).toBe(ahead);
  });

  it("is the one of `calc migrate`", () => {
    const sheet = migrateWorksheet({
      guestKhz: 2_500_000,
      vendor: "vmx",
      sourceOffset: saved.offset,
      source: { hostKhz: 2_900_000, hostTsc: saved.clock.hostTsc, guestNs: saved.clock.clock },
      destination: {
        hostKhz: 3_100_000,
        hostTsc: 3_100_000_000_000n,
        guestNs: saved.clock.clock + 500_000_000n,
      },
    });
    const terms = sheet.sections.flatMap((section) => section.terms);
    const term = (name: string): unknown => terms.find((each) => each.name === name)?.value;
    expect(term("correctOffset")).toBe(value(run("v7.3"), "offset"));
    expect(term("documentedOffset")).toBe(value(run("v7.3", { tsc: "documented-offset" }), "offset"));
  });

  it("is behind by a nanosecond less where its reference is at TSC 0", () => {
    expect(value(run("v7.3"), "behindAtGet")).toBe(1_439_843n);
    expect(value(run("v7.3", { sourceUptime: "0ns" }), "behindAtGet")).toBe(1_439_842n);
  });
});

describe("the guest's clock on the destination", () => {
  it.each([0n, 1n, 250n, 5_000n])(
    "is by KVM_SET_CLOCK what KVM_GET_CLOCK was behind, and %i ns ahead for the late reading of REALTIME",
    (gap) => {
      const result = run("v7.3", { gap: `${gap}ns`, blackout: "500ms" });
      const ahead = (value(result, "clockAhead") as bigint) + 1_439_843n - gap;
      expect(ahead).toBeOneOf([-1n, 0n, 1n]);
    },
  );

  it("lost another 200 ns against the function of the TSC it was, in half a second", () => {
    expect(value(run("v7.3"), "clockAgainstTsc")).toBe(-1_440_043n);
    expect(value(run("v7.3", { blackout: "0ns" }), "clockAgainstTsc")).toBe(-1_439_843n);
  });

  it.each([0n, 250n, 5_000n])(
    "is right where KVM reads by the guest's TSC, but for the gap of %i ns",
    (gap) => {
      const ahead = value(run(PRECISE, { gap: `${gap}ns` }), "clockAhead") as bigint;
      expect(ahead - gap).toBeOneOf([-1n, 0n, 1n]);
    },
  );

  it.each([
    ["2.9GHz", "3.1GHz"],
    ["3.1GHz", "2.9GHz"],
    ["2.1GHz", "2.4GHz"],
    ["2.9GHz", "2.5GHz"],
    ["2.5GHz", "3.1GHz"],
    ["2GHz", "3GHz"],
  ])("goes on by KVM_SET_CLOCK_GUEST within 2 ns, from %s to %s", (sourceKhz, destinationKhz) => {
    const result = run("v7.3", { clock: "set-clock-guest", sourceKhz, destinationKhz });
    expect(value(result, "setClockGuest")).toBe(0n);
    const against = value(result, "clockAgainstTsc") as bigint;
    expect(against >= -2n && against <= 2n).toBe(true);
  });

  it("is refused to KVM_SET_CLOCK_GUEST where its TSC will run at another rate, and left to KVM_SET_CLOCK", () => {
    const result = run("v7.3", { clock: "set-clock-guest", destinationKhz: "2_499_400kHz" });
    expect(value(result, "setClockGuest")).toBe(-34n);
    expect(value(result, "clockAhead")).toBe(-1_439_843n);
  });
});

describe("a skew of CLOCK_REALTIME between the hosts", () => {
  it("moves TSC and clock if both come of one reading, else the clock alone, and nothing without that reading", () => {
    const result = run("v7.3");
    const ms = 1_000_000n;
    expect(column(result, "skew", "tscShift")).toEqual([ms, ms, ms, ms, 0n, 0n]);
    expect(column(result, "skew", "clockShift")).toEqual([ms, ms, ms, ms, ms, 0n]);
  });

  it("never takes the clock back: behind by more than the blackout, it stands as if none had passed", () => {
    const result = run(PRECISE, { skew: "-2s", blackout: "500ms" });
    expect(value(result, "clockAhead")).toBe(-500_000_000n);
    expect(value(result, "tscAheadCycles")).toBe(-1_250_000_000n);
  });
});

describe("a destination without scaling", () => {
  const day = run("v7.3", { watch: "1d" });

  it("refuses the guest at 3.1 GHz, catches up at 2.4 GHz without clock pairing, and takes 240 ppm for equal", () => {
    expect(column(day, "unscaled", "setTscKhz")).toEqual([
      "−EINVAL",
      "catch-up",
      "catch-up",
      "catch-up",
      "unscaled",
    ]);
    expect(column(day, "unscaled", "clockPairing")).toEqual([0n, -95n, -95n, -95n, 0n]);
    expect(value(day, "nearTscKhz")).toBe(2_500_000n);
  });

  it("leaves a TSC it does not scale 20.7 s behind after a day", () => {
    expect(cell(day, "unscaled", 4, "tscAhead")).toBe(-20_736_000_000n);
  });

  it("leaves a TSC it caught up under a master clock 3456 s behind, and the clock right", () => {
    expect(value(day, "slowGain")).toBe(-3_456_000_000_000n);
    expect(cell(day, "unscaled", 2, "clockAhead")).toBe(-8_047n);
  });

  it("runs it 47.7 ppb fast without one, or computed for now: CLOCK_MONOTONIC_RAW's rate", () => {
    for (const line of [1, 3]) {
      const gainNs = cell(day, "unscaled", line, "tscAhead") as bigint;
      // ns a second are ppb, here tenths of one.
      expect((gainNs * 10n) / 86_400n).toBe(476n);
    }
    expect(value(run("v7.3 + catchup=now", { watch: "1d" }), "slowGain")).toBe(4_119_872n);
  });

  it("climbs a stair of 100 000 cycles each ms, 40 µs behind at most", () => {
    expect(value(day, "lagOffCycles")).toBe(100_000n);
    expect(value(day, "stepOffCycles")).toBe(100_000n);
    expect(day.series.stairsOff?.points.slice(0, 3)).toEqual([
      [0n, 0n],
      [1_000_000n, 40_000n],
      [1_000_000n, 0n],
    ]);
    expect(value(run("v7.3 + catchup=now"), "lag")).toBe(40_000n);
    expect(value(day, "lagCycles")).toBe(100n * 100_000n);
  });

  it("makes up for a day in one step when something asks for a new reference", () => {
    const saved = saveGuest(defaults, NEWEST);
    const [, , slow] = unscaledCases(defaults);
    if (slow === undefined) throw new Error("no slow destination");
    const { destination } = arriveUnscaled(saved, defaults, NEWEST, slow);
    const { host, vm, restoreTsc } = destination;
    const counter = vm.counters.vcpus[0];
    host.engine.runUntil((restoreTsc + host.cycles(86_400_000_000_000n)) as HostTsc);
    const now = host.engine.now;
    const before = counter?.readL1(now) ?? 0n;
    vm.clock.requestMasterClockUpdates();
    host.engine.runUntil(now);
    const stepNs = (((counter?.readL1(now) ?? 0n) - before) * 1_000_000n) / 2_500_000n;
    expect(stepNs / 1_000_000_000n).toBe(3_456n);
  });
});

describe("IA32_TSC written vCPU by vCPU, 1 ms apart", () => {
  it("is one counter if saved together, and if within a second of the write before, edges excluded", () => {
    const result = run("v7.3");
    const yes = [true, false, true, true, false, false];
    expect(column(result, "writes", "joined")).toEqual(yes);
    expect(column(result, "writes", "masterClock")).toEqual(yes);
    expect(column(result, "writes", "off")).toEqual([
      -2_500_000n,
      -2_500_000_000n,
      -2_499_999_999n,
      2_499_999_999n,
      2_500_000_000n,
      2_500_000_002n,
    ]);
  });

  it("gives all vCPUs the first one's offset, to the cycle", () => {
    const saved = saveGuest(defaults, NEWEST);
    for (const last of lastWrites(defaults)) {
      const { joined, apart } = writeEveryTsc(saved, defaults, NEWEST, last);
      expect(apart === 0n).toBe(joined);
    }
  });
});

describe("a young guest's first TSC", () => {
  it.each([
    ["v6.1", [false, false, false, true, true]],
    ["v6.6", [false, false, false, true, true]],
    ["v6.7", [true, true, true, true, true]],
    ["v6.12", [true, true, true, true, true]],
  ])("in %s is honoured: %j", (kernel, honoured) => {
    const result = run(kernel);
    expect(column(result, "young", "honoured")).toEqual(honoured);
    expect(value(result, "young")).toBe(honoured[0] ? "honoured" : "swallowed");
  });

  it("is swallowed whole: the VM's TSC stays what it was", () => {
    const ahead = column(run("v6.1"), "young", "tscAhead") as bigint[];
    const [own = 0n] = ahead;
    expect(ahead.slice(0, 3)).toEqual([own, own - 1_250_000_000n, own - 2_499_999_999n]);
  });
});

describe("the scenario", () => {
  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v7.3")));
    expect(json()).toBe(json());
  });

  it("says in one line what survives the move", () => {
    const verdict = (kernel: string, set: Record<string, string> = {}): string =>
      liveMigration.verdict(run(kernel, set), kernel);
    expect(verdict("v7.3")).toBe(
      "v7.3: after the move the guest's TSC is right, and its clock is 1.4398 ms behind",
    );
    expect(verdict("v7.3", { tsc: "documented-offset", clock: "set-clock-guest" })).toBe(
      "v7.3: the move puts the guest's TSC 13 584 s ahead, and its clock with it",
    );
    expect(verdict("v7.3", { tsc: "absolute" })).toBe(
      "v7.3: after the move the guest's TSC is 500 ms behind, and its clock is 1.4398 ms behind",
    );
    expect(verdict("v7.3", { clock: "set-clock-guest" })).toBe(
      "v7.3: the guest's TSC survives the move, and its clock goes on as that says",
    );
    expect(verdict(PRECISE)).toBe(`${PRECISE}: the guest's TSC and clock survive the move`);
  });

  it("stops when it is told to, and ends its progress where it said it would", () => {
    const stop = new AbortController();
    const onFirst: RunHooks["onProgress"] = () => stop.abort(new Error("enough"));
    expect(() => run("v7.3", {}, { signal: stop.signal, onProgress: onFirst })).toThrow("enough");
    let last = { simulatedNs: 0n, totalNs: 1n };
    run("v7.3", {}, { onProgress: (progress) => (last = progress) });
    expect(last.simulatedNs).toBe(last.totalNs);
    expect(liveMigration.lengthNs(parseParams(liveMigration.params, BRIEFLY))).toBe(last.totalNs);
  });
});
