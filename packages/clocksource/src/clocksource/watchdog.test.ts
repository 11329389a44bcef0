import { describe, expect, it } from "vitest";
import {
  ClocksourceWatchdog,
  type UnstableReason,
  WATCHDOG_TUNING,
  type WatchdogOptions,
  type WatchdogSource,
  watchdogReadAttempts,
} from "../index.js";

const HZ = 1000;
const HALF_SECOND = 500_000_000n;
/** Both clocks count nanoseconds, so a reading is a time. */
const NS_COUNTER = {
  mask: 2n ** 64n - 1n,
  mult: 1,
  shift: 0,
  maxCycles: 2n ** 62n,
  maxRawDelta: 0xdffffffffffffffdn,
  uncertaintyMarginNs: 250_000,
};

interface Bench {
  readonly watchdog: ClocksourceWatchdog;
  readonly options: WatchdogOptions;
  readonly log: string[];
  readonly reasons: UnstableReason[];
  /** Times the two clocks show; `readCostNs` is added to the watchdog's at every read of it. */
  readonly time: { tsc: bigint; hpet: bigint; readCostNs: bigint };
  /** Lets both clocks run half a second, the TSC a little more, and makes a pass. */
  pass(tscGainNs?: bigint): void;
}

function bench(tuning: "6.1" | "6.12" = "6.12", onlineCpus = 4): Bench {
  const time = { tsc: 0n, hpet: 0n, readCostNs: 0n };
  const log: string[] = [];
  const reasons: UnstableReason[] = [];
  const hpet: WatchdogSource = {
    ...NS_COUNTER,
    name: "hpet",
    read: () => {
      const value = time.hpet;
      time.hpet += time.readCostNs;
      return BigInt.asUintN(64, value);
    },
  };
  const tsc: WatchdogSource = { ...NS_COUNTER, name: "tsc", read: () => BigInt.asUintN(64, time.tsc) };
  const options: WatchdogOptions = {
    tuning: WATCHDOG_TUNING[tuning],
    hz: HZ,
    onlineCpus,
    watchdog: hpet,
    sources: [tsc],
    startJiffies: 0n,
    events: {
      onUnstable: (source, reason) => {
        log.push(`unstable ${source.name} ${reason.kind}`);
        reasons.push(reason);
      },
      onSkipped: () => log.push("skipped"),
      onIntervalTooLong: (_source, ns) => log.push(`too long ${ns}`),
    },
  };
  const watchdog = new ClocksourceWatchdog(options);
  return {
    watchdog,
    options,
    log,
    reasons,
    time,
    pass(tscGainNs = 0n) {
      time.tsc += HALF_SECOND + tscGainNs;
      time.hpet += HALF_SECOND;
      watchdog.check(watchdog.expiresJiffies);
    },
  };
}

describe("ClocksourceWatchdog", () => {
  it("takes a baseline first and compares from the second pass on", () => {
    const { log, pass } = bench();
    pass(10n ** 9n);
    expect(log).toEqual([]);
    pass(500_001n);
    expect(log).toEqual(["unstable tsc skew"]);
  });

  it("allows exactly the sum of both margins: 1000 ppm at half a second", () => {
    const { log, pass } = bench();
    pass();
    pass(500_000n);
    pass(-500_000n);
    expect(log).toEqual([]);
    pass(-500_001n);
    expect(log).toEqual(["unstable tsc skew"]);
  });

  it("names what it measured", () => {
    const { reasons, pass } = bench();
    pass();
    pass(600_000n);
    expect(reasons).toEqual([{ kind: "skew", sourceNs: 500_600_000n, watchdogNs: 500_000_000n }]);
  });

  it("does not compare an interval over a second, and forgets the jump", () => {
    const { log, pass, watchdog } = bench();
    pass();
    pass(HALF_SECOND + 1n);
    expect(log).toEqual(["too long 1000000001"]);
    pass();
    expect(watchdog.isUnstable("tsc")).toBe(false);
  });

  it("compares an interval of exactly a second", () => {
    const { log, pass } = bench();
    pass();
    pass(HALF_SECOND);
    expect(log).toEqual(["unstable tsc skew"]);
  });

  it("catches a backward jump of any size: its elapsed time reads 0", () => {
    const { reasons, pass, time } = bench();
    time.tsc = 10n ** 15n;
    pass();
    pass(-(10n ** 14n));
    expect(reasons).toEqual([{ kind: "skew", sourceNs: 0n, watchdogNs: HALF_SECOND }]);
  });

  it("passes over a source already unstable", () => {
    const { log, pass } = bench();
    pass();
    pass(10_000_000n);
    pass(10_000_000n);
    expect(log).toEqual(["unstable tsc skew"]);
  });

  it("gives up a source whose reading takes too long while the watchdog itself is quick", () => {
    const { log, options } = bench();
    // Only the read of the suspect is slow: the watchdog's clock advances across it.
    let hpetNs = 0n;
    const slow = { ...options, watchdog: { ...NS_COUNTER, name: "hpet", read: () => hpetNs } };
    const source = {
      ...NS_COUNTER,
      name: "tsc",
      read: () => {
        hpetNs += 500_001n;
        return 0n;
      },
    };
    const watchdog = new ClocksourceWatchdog({ ...slow, sources: [source] });
    watchdog.check(500n);
    expect(log).toEqual(["unstable tsc read-back"]);
    expect(hpetNs).toBe(3n * 500_001n);
  });

  it("cuts the pass short when the watchdog itself is slow, drops all baselines and waits 300 s more", () => {
    const { log, pass, watchdog, time } = bench();
    pass();
    time.readCostNs = 500_001n;
    pass();
    expect(log).toEqual(["skipped"]);
    expect(watchdog.expiresJiffies).toBe(1500n + 300n * BigInt(HZ));
    time.readCostNs = 0n;
    pass(10n ** 8n);
    expect(log).toEqual(["skipped"]);
  });

  it.each([
    ["6.12", 250_001n, []],
    ["6.1", 50_001n, []],
    ["6.1", 100_001n, ["skipped"]],
    ["6.12", 500_001n, ["skipped"]],
  ] as const)("as %s takes reads of %d ns each", (tuning, cost, expected) => {
    const { log, pass, time } = bench(tuning);
    pass();
    time.readCostNs = cost;
    pass();
    expect(log).toEqual(expected);
  });

  it("compares nothing while a reset is pending, one pass per touch", () => {
    const { log, pass, watchdog } = bench();
    pass();
    watchdog.touch();
    watchdog.touch();
    pass(10n ** 8n);
    pass(10n ** 8n);
    expect(watchdog.resetPending).toBe(0);
    expect(log).toEqual([]);
    pass(10n ** 8n);
    expect(log).toEqual(["unstable tsc skew"]);
  });

  it("counts the next expiry from the last one, not from now, and hops over the CPUs", () => {
    const { watchdog } = bench("6.12", 2);
    expect([watchdog.expiresJiffies, watchdog.cpu]).toEqual([500n, 0]);
    watchdog.check(777n);
    expect([watchdog.expiresJiffies, watchdog.cpu]).toEqual([1000n, 1]);
    watchdog.check(1000n);
    expect([watchdog.expiresJiffies, watchdog.cpu]).toEqual([1500n, 0]);
  });

  it("counts it from now after too long an interval", () => {
    const { watchdog, time, pass } = bench();
    pass();
    time.tsc += 10n ** 10n;
    time.hpet += 10n ** 10n;
    watchdog.check(10_777n);
    expect(watchdog.expiresJiffies).toBe(11_277n);
  });

  it("comes back from its state and goes on the same", () => {
    const { watchdog, options, pass, log } = bench();
    pass();
    watchdog.touch();
    const copy = ClocksourceWatchdog.fromState(JSON.parse(JSON.stringify(watchdog.state())), options);
    expect(copy.state()).toEqual(watchdog.state());
    copy.check(copy.expiresJiffies);
    expect(copy.resetPending).toBe(0);
    copy.check(copy.expiresJiffies);
    expect(log).toEqual([]);
  });

  it("keeps an unstable source unstable across its state", () => {
    const { watchdog, options, pass } = bench();
    pass();
    pass(10n ** 7n);
    expect(ClocksourceWatchdog.fromState(watchdog.state(), options).isUnstable("tsc")).toBe(true);
  });

  it("refuses a state of other sources, and a name it does not watch", () => {
    const { watchdog, options } = bench();
    const other = { ...options, sources: [] };
    expect(() => ClocksourceWatchdog.fromState(watchdog.state(), other)).toThrow(RangeError);
    expect(() => watchdog.isUnstable("hpet")).toThrow(RangeError);
  });

  it.each([
    ["hz", { hz: 0 }],
    ["onlineCpus", { onlineCpus: 0 }],
    ["startJiffies", { startJiffies: -1n }],
    ["tuning.maxSkewNs", { tuning: { ...WATCHDOG_TUNING["6.12"], maxSkewNs: -1 } }],
    ["tuning.readLimit", { tuning: { ...WATCHDOG_TUNING["6.12"], readLimit: "other" as never } }],
    ["tuning.deltaRule", { tuning: { ...WATCHDOG_TUNING["6.12"], deltaRule: "other" as never } }],
  ])("refuses a bad %s", (name, wrong) => {
    const { options } = bench();
    expect(() => new ClocksourceWatchdog({ ...options, ...wrong })).toThrow(
      `ClocksourceWatchdog: expected ${name}`,
    );
  });

  it.each(["watchdog", "source"])("refuses to restore a baseline whose %s is no u64", (name) => {
    const { watchdog, options } = bench();
    const state = watchdog.state();
    const baseline = { watchdog: "0", source: "0", [name]: "-1" };
    const sources = state.sources.map((source) => ({ ...source, baseline }));
    expect(() => ClocksourceWatchdog.fromState({ ...state, sources }, options)).toThrow(
      `ClocksourceWatchdog.fromState: expected baseline.${name}`,
    );
  });

  it("refuses two sources of one name", () => {
    const { options } = bench();
    const sources = [...options.sources, ...options.sources];
    expect(() => new ClocksourceWatchdog({ ...options, sources })).toThrow("sources of different names");
  });
});

describe("watchdogReadAttempts", () => {
  it.each([
    [1, 2],
    [3, 2],
    [4, 3],
    [15, 3],
    [16, 4],
    [64, 5],
  ])("for %i CPUs is %i", (cpus, attempts) => {
    expect(watchdogReadAttempts(cpus)).toBe(attempts);
  });
});
