import { describe, expect, it } from "vitest";
import { FakeHost, type Fixture, fixture } from "../../test/fake-host.js";
import type { LapicTimerBehaviours, TimerBackend } from "../index.js";
import { LapicTimer } from "../index.js";

/*
 * S004: a periodic timer whose vCPU comes back L late. The cost model is the scenario's: the first preemption-timer exit
 * and the fallback cost nothing, a repeated exit 1 µs, a callback 500 ns after it sampled the clock, and a past hrtimer
 * raises its interrupt a minimum device delta of 1 µs later.
 */

const PERIODIC = 0x2_0000;
const VECTOR = 0xec;
const DIVIDE_BY_1 = 0xb;
const US = 1000n;
const MS = 1000n * US;
const SECOND = 1000n * MS;

const B: Partial<LapicTimerBehaviours> = {
  periodicAdvance: "resync",
  hrtimerRearm: "add-period",
  period0: "restart",
};
const C: Partial<LapicTimerBehaviours> = {
  periodicAdvance: "resync-clamped",
  hrtimerRearm: "set-target",
  period0: "stop-and-warn",
};

interface StopOptions {
  readonly behaviours: Partial<LapicTimerBehaviours>;
  readonly period?: bigint;
  readonly late: bigint;
  readonly backend?: TimerBackend;
  readonly khz?: number;
  readonly uptimeSeconds?: number;
  /** Cycles that pass with every reading of a clock, from the resume on. */
  readonly readCost?: bigint;
}

interface Interrupt {
  callbacks: number;
  firstPass: number;
  passes: number;
  busyNs: bigint;
}

const CALLBACK_NS = 500n;
const MIN_DELTA_NS = 1000n;
const REEXIT_NS = 1000n;

/** One hrtimer interrupt: passes with a fixed `basenow` until the next expiry lies ahead. */
function interrupt({ host, hrtimer }: Fixture, callbackNs: bigint, limit: number): Interrupt {
  const result: Interrupt = { callbacks: 0, firstPass: 0, passes: 0, busyNs: 0n };
  const entry = host.mono;
  while (hrtimer.armed && hrtimer.expiresNs <= host.mono && result.callbacks < limit) {
    const basenow = host.mono;
    while (hrtimer.armed && hrtimer.expiresNs <= basenow && result.callbacks < limit) {
      hrtimer.fire();
      host.spend(callbackNs);
      result.callbacks += 1;
    }
    if (result.passes === 0) result.firstPass = result.callbacks;
    result.passes += 1;
  }
  result.busyNs = host.mono - entry;
  return result;
}

function stop(options: StopOptions) {
  const {
    behaviours,
    period = MS,
    late,
    backend = "preemption-timer",
    khz = 2_500_000,
    uptimeSeconds = 3600,
  } = options;
  const counts = { hvExp: 0, cb: 0, swStart: 0 };
  const host = new FakeHost({ khz });
  // The guest's uptime is counted at the resume.
  host.now = BigInt(uptimeSeconds) * BigInt(khz) * 1000n - ((late + period) * BigInt(khz)) / 1_000_000n;
  const f = fixture({
    host,
    behaviours,
    ...(backend === "preemption-timer" ? { rateShift: 5 } : {}),
    events: {
      onExpire: ({ source }) => {
        if (source === "callback") counts.cb += 1;
        else if (source === "preemption-timer") counts.hvExp += 1;
        else counts.swStart += 1;
      },
    },
  });
  f.timer.writeTdcr(DIVIDE_BY_1);
  f.timer.writeLvtt(PERIODIC | VECTOR);
  f.timer.writeTmict(Number(period));
  const target = f.timer.target;
  f.host.moveTo(target + late);
  const resume = f.host.mono;
  f.host.readCost = options.readCost ?? 0n;
  const due = () => f.timer.hvInUse && (f.hv?.deadline ?? 0n) <= f.host.now;
  while (due() && counts.hvExp < 5000) {
    if (counts.hvExp > 0) f.host.moveTo(f.host.mono + REEXIT_NS);
    f.timer.expiredHvTimer();
  }
  let irq: Interrupt = { callbacks: 0, firstPass: 0, passes: 0, busyNs: 0n };
  if (f.hrtimer.armed && f.hrtimer.expiresNs <= f.host.mono) {
    if (backend === "preemption-timer") f.host.spend(MIN_DELTA_NS);
    irq = interrupt(f, CALLBACK_NS, 1_000_000);
  }
  return { ...f, ...counts, irq, target, resume };
}

const summary = ({ hvExp, cb, timer }: ReturnType<typeof stop>) => [hvExp, cb, timer.hvInUse ? "hv" : "sw"];

describe("a stop of L (S004)", () => {
  it.each([
    ["0.999999 ms", 999_999n, [1, 0, "hv"], [1, 0, "hv"]],
    ["1 ms", MS, [2, 0, "hv"], [2, 0, "hv"]],
    ["1.5 ms", MS + 500n * US, [1, 0, "sw"], [2, 0, "hv"]],
    ["3.01 ms", 3n * MS + 10n * US, [1, 2, "sw"], [2, 0, "hv"]],
    ["60 s", 60n * SECOND, [1, 60_029, "sw"], [2, 0, "hv"]],
  ])("of %s: hv expirations, callbacks, backend", (_title, late, b, c) => {
    expect(summary(stop({ behaviours: B, late }))).toEqual(b);
    expect(summary(stop({ behaviours: C, late }))).toEqual(c);
  });

  it("of 60 s under resync: 59 999 callbacks in the first of two passes, 30 ms with interrupts off", () => {
    const { irq, swStart } = stop({ behaviours: B, late: 60n * SECOND });
    expect([irq.firstPass, irq.passes, swStart]).toEqual([59_999, 2, 1]);
    expect(irq.busyNs).toBe(60_029n * CALLBACK_NS);
  });

  it("keeps the grid under resync and moves it to the resume under the clamp", () => {
    const late = 3n * MS + 10n * US;
    const b = stop({ behaviours: B, late });
    expect((b.timer.target - b.target) % MS).toBe(0n);
    const c = stop({ behaviours: C, late });
    expect(c.timer.target).toBe(c.resume + MS);
  });

  it("stays on software until a register is written", () => {
    const { timer } = stop({ behaviours: B, late: 3n * MS });
    timer.restart();
    expect(timer.hvInUse).toBe(false);
    timer.writeTmict(1_000_000);
    expect(timer.hvInUse).toBe(true);
  });

  it("at 3 999 999 kHz depends on the guest's uptime: fallback before the wrap, a storm of exits after", () => {
    const options = { behaviours: B, late: SECOND, khz: 3_999_999 };
    const before = stop({ ...options, uptimeSeconds: 1154 });
    expect([...summary(before), before.irq.passes]).toEqual([1, 999, "sw", 1]);
    const after = stop({ ...options, uptimeSeconds: 1200 });
    expect(summary(after)).toEqual([1002, 0, "hv"]);
  });

  it("on the software backend under the clamp: two callbacks, the second by a retry pass once time has passed", () => {
    const options = { behaviours: C, late: 60n * SECOND, backend: "hrtimer" } as const;
    const { irq, timer, resume } = stop({ ...options, readCost: 25n });
    expect([irq.firstPass, irq.callbacks, irq.passes]).toEqual([1, 2, 2]);
    expect(timer.target).toBe(resume + 10n + MS);
    expect(stop(options).irq).toMatchObject({ firstPass: 2, callbacks: 2, passes: 1 });
  });
});

describe("partial fixes fail", () => {
  it("(i) the clamp without the hrtimer's expiry: the target is right, and the callbacks still come by the thousand", () => {
    const { irq, timer, resume } = stop({
      behaviours: { ...C, hrtimerRearm: "add-period" },
      late: 60n * SECOND,
      backend: "hrtimer",
    });
    expect(irq.firstPass).toBe(60_001);
    expect(timer.target - resume).toBeGreaterThanOrEqual(0n);
    expect(irq.callbacks).toBeGreaterThan(2);
  });

  it("(ii) the hrtimer's expiry without the clamp: the same storm as without either", () => {
    const fixed = stop({ behaviours: { ...B, hrtimerRearm: "set-target" }, late: 60n * SECOND });
    const broken = stop({ behaviours: B, late: 60n * SECOND });
    expect(summary(fixed)).toEqual(summary(broken));
    expect(fixed.irq).toEqual(broken.irq);
  });

  it("(iii) the sum assigned to the target: no tick for hours", () => {
    const { timer, resume } = stop({
      behaviours: { ...C, periodicAdvance: "resync-clamped-misassigned" },
      late: MS,
      backend: "hrtimer",
    });
    expect(timer.target - resume).toBeGreaterThan(3600n * SECOND);
  });

  it("(iv) a signed remainder: no fallback, and an exit per missed period", () => {
    const { hvExp, timer } = stop({ behaviours: { ...B, periodicAdvance: "resync-signed" }, late: SECOND });
    expect(timer.hvInUse).toBe(true);
    expect(hvExp).toBe(1002);
  });

  it.each([
    [2n * MS, { hvExp: 1, swStart: 1, cb: 1 }],
    [60n * SECOND, { hvExp: 1, swStart: 1, cb: 1 }],
    [MS + 500n * US, { hvExp: 1, swStart: 1, cb: 0 }],
  ])("(v) a clamp one period back, %i ns late: still falls back to software", (late, counts) => {
    const { hvExp, swStart, cb, timer, resume } = stop({
      behaviours: { ...C, periodicAdvance: "resync-clamped-one-period-back" },
      late,
    });
    expect({ hvExp, swStart, cb }).toEqual(counts);
    expect(timer.hvInUse).toBe(false);
    if (late >= 2n * MS) expect(timer.target).toBe(resume + MS);
  });

  it.each([
    ["restart", 1000, []],
    ["stop-and-warn", 1, ["zero-period-callback"]],
  ] as const)("(vi) a period of 0 under %s: %i callbacks", (period0, callbacks, warnings) => {
    const seen: string[] = [];
    const f = fixture();
    const periodic = { ...f.timer.state(), mode: 1 as const, hrtimerExpiresNs: f.host.mono.toString() };
    LapicTimer.fromState(periodic, {
      clock: f.host,
      tsc: f.tsc,
      vcpu: f.vcpu,
      createTimer: f.host.createTimer,
      behaviours: { ...B, period0 },
      events: { onWarn: ({ kind }) => seen.push(kind) },
    });
    const hrtimer = f.host.timers[1];
    if (hrtimer === undefined) throw new Error("no timer was created");
    expect(interrupt({ ...f, hrtimer }, 0n, 1000).callbacks).toBe(callbacks);
    expect(seen).toEqual(warnings);
  });
});

describe("callbacks that cost more than the period (E20)", () => {
  const PERIOD = 200n * US;
  const COST = 300n * US;
  const PASSES = 3;
  const HANG_MAX = 100n * MS;

  /** Callback cost first, then the sample; three passes, then the hang delay. */
  function hangingInterrupts(behaviours: Partial<LapicTimerBehaviours>, count: number) {
    const host = new FakeHost({ khz: 1_000_000 });
    const f = fixture({
      host: Object.assign(host, {
        createTimer: (
          (create) => (onExpiry: Parameters<typeof create>[0]) =>
            create((timer) => {
              host.spend(COST);
              return onExpiry(timer);
            })
        )(host.createTimer),
      }),
      behaviours,
    });
    f.timer.writeTdcr(DIVIDE_BY_1);
    f.timer.writeLvtt(PERIODIC | VECTOR);
    f.timer.writeTmict(Number(PERIOD));
    host.moveTo(f.hrtimer.expiresNs);
    const runs: { passes: number[]; busyNs: bigint; hangNs: bigint }[] = [];
    for (let i = 0; i < count; i++) {
      const entry = host.mono;
      const passes: number[] = [];
      while (passes.length < PASSES && f.hrtimer.expiresNs <= host.mono) {
        const basenow = host.mono;
        let callbacks = 0;
        while (f.hrtimer.expiresNs <= basenow) {
          f.hrtimer.fire();
          callbacks += 1;
        }
        passes.push(callbacks);
      }
      const busyNs = host.mono - entry;
      const hangNs = busyNs < HANG_MAX ? busyNs : HANG_MAX;
      runs.push({ passes, busyNs, hangNs });
      host.spend(hangNs);
    }
    return runs;
  }

  it("the clamp: one callback per pass, three passes and a hang of 900 µs each time", () => {
    const run = { passes: [1, 1, 1], busyNs: 900n * US, hangNs: 900n * US };
    expect(hangingInterrupts(C, 5)).toEqual([run, run, run, run, run]);
  });

  it("without it each pass runs the whole backlog, and every interrupt is longer than the last", () => {
    const runs = hangingInterrupts({ ...B, periodicAdvance: "resync" }, 4);
    expect(runs[0]?.passes).toEqual([1, 1, 2]);
    for (let i = 1; i < runs.length; i++) expect(runs[i]?.busyNs).toBeGreaterThan(runs[i - 1]?.busyNs ?? 0n);
  });
});
