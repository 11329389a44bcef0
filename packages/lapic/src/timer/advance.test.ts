import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeHost, fixture } from "../../test/fake-host.js";
import { adjustTimerAdvance, LapicTimer, type LapicTimerBehaviours, TimerAdvance } from "../index.js";

const KHZ = 2_500_000;

describe("the band (v5.4 and later, E11)", () => {
  it.each([
    ["99 cycles early: nothing", 1000, -99n, 1000],
    ["100 cycles early", 1000, -100n, 995],
    ["99 cycles late: nothing", 1000, 99n, 1000],
    ["100 cycles late", 1000, 100n, 1005],
    ["10 000 cycles late", 1000, 10_000n, 1500],
    ["10 001 cycles late: nothing", 1000, 10_001n, 1000],
    ["10 000 cycles early", 1000, -10_000n, 500],
    ["10 001 cycles early: nothing", 1000, -10_001n, 1000],
    ["to 5000: kept", 4900, 2000n, 5000],
    ["above 5000: reset", 5000, 100n, 1000],
    ["to exactly 0", 100, -2000n, 0],
    ["below 0: wraps, and so resets", 100, -2400n, 1000],
    ["an error far outside: nothing", 1000, -(2n ** 63n), 1000],
  ])("%s", (_title, before, delta, after) => {
    expect(adjustTimerAdvance(before, delta, KHZ)).toBe(after);
  });

  it.each([
    [1500n, 20, 1462],
    [3000n, 30, 2961],
    [300n, 23, 336],
    [4900n, 35, 4861],
  ])("converges on an overhead of %i ns in %i steps", (overhead, steps, settled) => {
    let advance = 1000;
    let moved = 0;
    for (let i = 0; i < 100; i++) {
      const delta = ((overhead - BigInt(advance)) * 5n) / 2n;
      const next = adjustTimerAdvance(advance, delta, KHZ);
      if (next !== advance) moved += 1;
      advance = next;
    }
    expect([moved, advance]).toEqual([steps, settled]);
  });

  it("equals its definition in integers for every error and frequency", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6000 }),
        fc.bigInt({ min: -11_000n, max: 11_000n }),
        fc.integer({ min: 1, max: 0xffff_ffff }),
        (ns, delta, khz) => {
          const size = delta < 0n ? -delta : delta;
          let expected = BigInt(ns);
          if (size >= 100n && size <= 10_000n) {
            const step = (size * 1_000_000n) / BigInt(khz) / 8n;
            expected = BigInt.asUintN(32, delta < 0n ? expected - step : expected + step);
            if (expected > 5000n) expected = 1000n;
          }
          expect(BigInt(adjustTimerAdvance(ns, delta, khz))).toBe(expected);
        },
      ),
    );
  });

  it.each([
    ["advanceNs", () => adjustTimerAdvance(-1, 0n, KHZ)],
    ["deltaCycles", () => adjustTimerAdvance(0, 2n ** 63n, KHZ)],
    ["virtualTscKhz", () => adjustTimerAdvance(0, 0n, 0)],
  ])("refuses %s out of its domain", (what, call) => {
    expect(call).toThrow(`adjustTimerAdvance: expected ${what}`);
  });
});

describe("a timer advance", () => {
  it.each([
    ["off", { kind: "off" }, "auto-vcpu-band", { ns: 0, tuning: false }],
    ["fixed", { kind: "fixed", ns: 700 }, "auto-vcpu-band", { ns: 700, tuning: false }],
    ["adaptive", { kind: "adaptive" }, "auto-vcpu-band", { ns: 1000, tuning: true }],
    ["adaptive before there was tuning", { kind: "adaptive" }, "fixed", { ns: 0, tuning: false }],
  ] as const)("%s", (_title, config, generation, state) => {
    const advance = new TimerAdvance(config, generation);
    expect(advance.state()).toEqual(state);
    expect(TimerAdvance.fromState(advance.state()).state()).toEqual(state);
  });

  it.each<[string, () => unknown]>([
    ["TimerAdvance: expected config.kind", () => new TimerAdvance({ kind: "on" as "off" }, "fixed")],
    ["TimerAdvance: expected generation", () => new TimerAdvance({ kind: "off" }, "auto" as "fixed")],
    ["TimerAdvance.fromState: expected ns", () => TimerAdvance.fromState({ ns: -1, tuning: true })],
    [
      "TimerAdvance.fromState: expected tuning",
      () => TimerAdvance.fromState({ ns: 0, tuning: 1 as unknown as boolean }),
    ],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });

  it("refuses a fixed advance outside u32", () => {
    expect(() => new TimerAdvance({ kind: "fixed", ns: -1 }, "fixed")).toThrow("TimerAdvance: expected ns");
  });
});

/** A timer whose deadline expired, entered `cyclesLate` after it. */
function entry(
  cyclesLate: bigint,
  state: { ns: number; tuning: boolean },
  options: {
    readonly behaviours?: Partial<LapicTimerBehaviours>;
    readonly guestKhz?: number;
    readonly readCost?: bigint;
  } = {},
) {
  const { behaviours = {}, guestKhz = KHZ, readCost = 0n } = options;
  const host = new FakeHost();
  const f = fixture({ host, guestKhz });
  const expired = f.guest() - cyclesLate;
  host.readCost = readCost;
  const timer = LapicTimer.fromState(
    { ...f.timer.state(), expiredTsc: expired.toString(), advance: state },
    { clock: host, tsc: f.tsc, vcpu: f.vcpu, createTimer: host.createTimer, behaviours },
  );
  return { ...f, timer };
}

describe("the wait before entry", () => {
  const fixed = { ns: 1000, tuning: false };
  const adaptive = { ns: 1000, tuning: true };

  it.each([
    ["late: none", 1n, { kind: "none" }],
    ["on time: none", 0n, { kind: "none" }],
    ["a little early: the rest", -700n, { kind: "cycles", cycles: 700n }],
    ["earlier than the advance: the advance", -5000n, { kind: "cycles", cycles: 2500n }],
  ])("%s", (_title, late, wait) => {
    const { timer } = entry(late, fixed);
    expect(timer.waitBeforeEntry("present")).toEqual(wait);
    expect([timer.expiredTsc, timer.waitBeforeEntry("present")]).toEqual([0n, { kind: "none" }]);
  });

  it.each([
    ["nothing expired", () => entry(-700n, fixed).timer, { clear: true }],
    ["no advance", () => entry(-700n, { ns: 0, tuning: true }).timer, {}],
  ])("none with %s", (_title, make, { clear }: { clear?: boolean }) => {
    const timer = make();
    if (clear) timer.restoreCount(0);
    if (clear) timer.waitBeforeEntry("present");
    expect(timer.waitBeforeEntry("present")).toEqual({ kind: "none" });
  });

  it("none, and the deadline kept, while the vector is not being delivered or the APIC is disabled", () => {
    const { timer, vcpu } = entry(-700n, fixed);
    expect(timer.waitBeforeEntry("absent")).toEqual({ kind: "none" });
    vcpu.hwEnabled = false;
    expect(timer.waitBeforeEntry("present")).toEqual({ kind: "none" });
    vcpu.hwEnabled = true;
    expect(timer.waitBeforeEntry("present")).toEqual({ kind: "cycles", cycles: 700n });
  });

  it("uses the tuned advance, and a second reading for what is left", () => {
    const { timer } = entry(-3000n, adaptive, { readCost: 10n });
    // First reading 2990 cycles early: 1196 ns, so the advance drops by 149; the second is 2980 early.
    expect(timer.waitBeforeEntry("present")).toEqual({ kind: "cycles", cycles: (851n * 5n) / 2n });
    expect(timer.advanceNs).toBe(851);
  });

  it("reads once when the advance is fixed", () => {
    const { timer } = entry(-700n, fixed, { readCost: 10n });
    expect(timer.waitBeforeEntry("present")).toEqual({ kind: "cycles", cycles: 690n });
  });

  it.each([
    ["scaled-ns", { kind: "ns", ns: 200 }],
    ["guest-cycles", { kind: "cycles", cycles: 600n }],
  ] as const)("under TSC scaling counts by %s", (advanceWait, wait) => {
    const { timer } = entry(-600n, fixed, { guestKhz: 3_000_000, behaviours: { advanceWait } });
    expect(timer.waitBeforeEntry("present")).toEqual(wait);
  });

  it("in nanoseconds never exceeds the advance", () => {
    const { timer } = entry(-600_000n, fixed, { guestKhz: 3_000_000 });
    expect(timer.waitBeforeEntry("present")).toEqual({ kind: "ns", ns: 1000 });
  });
});

describe("the earlier generations of tuning", () => {
  const early = (ns: number, advance: LapicTimerBehaviours["advance"], late: bigint) => {
    const { timer } = entry(late, { ns, tuning: true }, { behaviours: { advance } });
    const wait = timer.waitBeforeEntry("present");
    return { wait, ...timer.state().advance };
  };

  it.each([
    ["a step is at most an eighth of the advance", 1000, 100_000n, { ns: 1125, tuning: true }],
    ["or the whole error where that is less", 1000, 200n, { ns: 1080, tuning: true }],
    ["early steps go down", 1000, -100_000n, { ns: 875, tuning: true }],
    ["an error below 100 cycles ends the tuning", 1000, 99n, { ns: 1039, tuning: false }],
    ["100 cycles do not", 1000, 100n, { ns: 1040, tuning: true }],
  ])("v4.20: %s", (_title, ns, late, state) => {
    expect(early(ns, "auto-global", late)).toMatchObject(state);
  });

  it.each([
    ["auto-global", { ns: 5500, tuning: true }],
    ["auto-vcpu-off-above-5000", { ns: 0, tuning: false }],
    ["auto-vcpu-reset-above-5000", { ns: 1000, tuning: true }],
  ] as const)("above 5000 ns %s leaves %j", (generation, state) => {
    expect(early(4889, generation, 100_000n)).toMatchObject(state);
  });

  it("they wait with the advance from before the step", () => {
    expect(early(1000, "auto-global", -100_000n).wait).toEqual({ kind: "cycles", cycles: 2500n });
    expect(early(1000, "auto-vcpu-band", -10_000n).wait).toEqual({ kind: "cycles", cycles: 1250n });
  });

  it("one advance is shared between a host's vCPUs when it is handed to both", () => {
    const sharedAdvance = new TimerAdvance({ kind: "adaptive" }, "auto-global");
    const host = new FakeHost();
    const f = fixture({ host });
    const behaviours = { advance: "auto-global" } as const;
    const parts = {
      clock: host,
      tsc: f.tsc,
      vcpu: f.vcpu,
      createTimer: host.createTimer,
      behaviours,
      sharedAdvance,
    };
    const state = { ...f.timer.state(), expiredTsc: (f.guest() - 100_000n).toString() };
    const first = LapicTimer.fromState(state, parts);
    const second = new LapicTimer(parts);
    first.waitBeforeEntry("present");
    expect(second.advanceNs).toBe(1125);
  });
});
