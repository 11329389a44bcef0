import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeHost, type Fixture, fixture } from "../../test/fake-host.js";
import { LapicTimer, type LapicTimerBehaviours, PreemptionTimer } from "../index.js";

const PERIODIC = 0x2_0000;
const TSC_DEADLINE = 0x4_0000;
const VECTOR = 0xec;
const DIVIDE_BY = { 1: 0xb, 16: 0x3, 128: 0xa } as const;

/** A second timer from a first one's state, over the same host. */
function clone(f: Fixture, behaviours: Partial<LapicTimerBehaviours> = {}): LapicTimer {
  const state = JSON.parse(JSON.stringify(f.timer.state()));
  const parts = { clock: f.host, tsc: f.tsc, vcpu: f.vcpu, createTimer: f.host.createTimer, behaviours };
  if (f.hv === undefined) return LapicTimer.fromState(state, parts);
  const preemptionTimer = PreemptionTimer.fromState(f.hv.state(), { clock: f.host, tsc: f.tsc });
  return LapicTimer.fromState(state, { ...parts, preemptionTimer });
}

/** Runs `operations` on a timer: register writes, time, expiries, switches. */
function apply(f: Fixture, [op, value]: readonly [number, number]): void {
  const { timer, host, hrtimer } = f;
  const operations = [
    () => timer.writeLvtt(value),
    () => timer.writeTmict(value),
    () => timer.writeTdcr(value),
    () => timer.writeTscDeadline(f.guest() + BigInt(value)),
    () => timer.switchToSw(),
    () => timer.switchToHv(),
    () => timer.expiredHvTimer(),
    () => timer.injectPending(),
    () => timer.reset(),
    () => timer.maskLvtt(),
    () => host.spend(BigInt(value % 3_000_000)),
    () => {
      if (hrtimer.armed) hrtimer.fire();
    },
  ];
  operations[op % operations.length]?.();
}

const operation = fc.tuple(
  fc.nat(11),
  fc.oneof(fc.constantFrom(VECTOR, PERIODIC, TSC_DEADLINE), fc.integer({ min: 0, max: 0xffff_ffff })),
);

describe("for every sequence of operations", () => {
  it.each([undefined, 5])("the state round trips (rate shift %s)", (rateShift) => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const f = fixture(rateShift === undefined ? {} : { rateShift });
        for (const step of operations) apply(f, step);
        expect(clone(f).state()).toEqual(f.timer.state());
      }),
    );
  });

  it("the preemption timer in use means no queued hrtimer, and after a block it is not in use", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const f = fixture({ rateShift: 5 });
        for (const step of operations) {
          apply(f, step);
          if (f.timer.hvInUse) expect(f.hrtimer.armed).toBe(false);
          expect(f.timer.pending === 0 || f.timer.pending === 1).toBe(true);
        }
        f.timer.switchToSw();
        expect(f.timer.hvInUse).toBe(false);
      }),
    );
  });

  it("guest deadlines under the clamp are never further than a period and a cycle", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200_000, max: 100_000_000 }),
        fc.array(fc.bigInt({ min: 0n, max: 10n ** 10n }), { maxLength: 20 }),
        (tmict, stops) => {
          const f = fixture({ rateShift: 5 });
          f.timer.writeTdcr(DIVIDE_BY[1]);
          f.timer.writeLvtt(PERIODIC | VECTOR);
          f.timer.writeTmict(tmict);
          for (const late of stops) {
            f.host.moveTo(f.timer.target > f.host.mono ? f.timer.target + late : f.host.mono + late);
            f.timer.expiredHvTimer();
            expect(f.timer.hvInUse).toBe(true);
            expect(f.timer.target).toBeGreaterThanOrEqual(f.host.mono);
            expect(f.timer.tscDeadline - f.guest() <= f.tsc.nsToCycles(BigInt(tmict)) + 1n).toBe(true);
          }
        },
      ),
    );
  });
});

describe("KVM_SET_LAPIC in mid-period (E5)", () => {
  /** Ten milliseconds on a 1 GHz host, saved with 5 999 876 ns left. */
  function saved(divide: 1 | 16 | 128, busCycleNs: bigint, lvtt = PERIODIC | VECTOR) {
    const f = fixture({ host: new FakeHost({ khz: 1_000_000 }), config: { busCycleNs } });
    f.timer.writeTdcr(DIVIDE_BY[divide]);
    f.timer.writeLvtt(lvtt);
    f.timer.writeTmict(Number(10_240_000n / busCycleNs) / divide);
    f.host.moveTo(f.timer.target - 5_999_876n);
    const { timer } = f;
    return { ...f, page: { lvtt, tmict: timer.tmict, tdcr: timer.tdcr, tmcct: timer.readTmcct() } };
  }

  it.each([
    [1, 1n, 5_999_876n],
    [16, 1n, 5_999_872n],
    [128, 1n, 5_999_872n],
    [128, 40n, 5_995_520n],
  ] as const)("÷%i at a bus cycle of %i ns carries %i ns over", (divide, busCycleNs, left) => {
    const { page } = saved(divide, busCycleNs);
    const target = fixture({ host: new FakeHost({ khz: 1_000_000 }), config: { busCycleNs } });
    target.timer.restore(page);
    expect(target.timer.target - target.host.mono).toBe(left);
    expect(target.hrtimer.expiresNs).toBe(target.timer.target);
  });

  it("discards a pending expiry and the deadline still to be waited for", () => {
    const f = fixture({ rateShift: 5 });
    f.timer.writeTmict(1000);
    f.timer.expiredHvTimer();
    expect([f.timer.pending, f.timer.expiredTsc === 0n]).toEqual([1, false]);
    f.timer.restore({ lvtt: VECTOR, tmict: 1000, tdcr: 0, tmcct: 500 });
    expect([f.timer.pending, f.timer.expiredTsc, f.timer.hvInUse]).toEqual([0, 0n, true]);
  });

  it.each([
    ["fire", 1],
    ["full-period", 0],
  ] as const)("an expired one-shot under %s expires again: %i", (oneshotRestore, pending) => {
    const { timer, hrtimer, host } = fixture({ behaviours: { oneshotRestore } });
    timer.restore({ lvtt: VECTOR, tmict: 1_000_000, tdcr: DIVIDE_BY[1], tmcct: 0 });
    host.spend(10n);
    if (hrtimer.expiresNs <= host.mono) hrtimer.fire();
    expect(timer.pending).toBe(pending);
  });

  it("warns of a saved count above the initial one and starts a full period", () => {
    const warnings: unknown[] = [];
    const { timer, host } = fixture({ events: { onWarn: (warning) => warnings.push(warning) } });
    timer.restore({ lvtt: PERIODIC | VECTOR, tmict: 1_000_000, tdcr: DIVIDE_BY[1], tmcct: 2_000_000 });
    expect(timer.target - host.mono).toBe(1_000_000n);
    expect(warnings).toEqual([{ kind: "restored-count-above-period", tmcct: 2_000_000 }]);
  });

  it("takes LVTT as it is in the page: a software disable keeps it a u32", () => {
    const { timer, vcpu, tsc, host } = fixture();
    timer.restore({ lvtt: 0xfffe_ffff, tmict: 0, tdcr: 0, tmcct: 0 });
    timer.maskLvtt();
    expect(timer.lvtt).toBe(0xffff_ffff);
    const parts = { clock: host, tsc, vcpu, createTimer: host.createTimer };
    expect(LapicTimer.fromState(timer.state(), parts).lvtt).toBe(0xffff_ffff);
  });

  it.each(["lvtt", "tmict", "tdcr", "tmcct"])(
    "refuses a page with a wrong %s before anything changes",
    (name) => {
      const { timer } = saved(1, 1n);
      const before = timer.state();
      const page = { lvtt: 0, tmict: 1, tdcr: 0, tmcct: 1, [name]: -1 };
      expect(() => timer.restore(page)).toThrow(`LapicTimer.restore: expected ${name}`);
      expect(timer.state()).toEqual(before);
    },
  );

  it("refuses a state whose hvInUse is no boolean", () => {
    const { timer, vcpu, tsc, host } = saved(1, 1n);
    const parts = { clock: host, tsc, vcpu, createTimer: host.createTimer };
    const state = { ...timer.state(), hvInUse: 1 as unknown as boolean };
    expect(() => LapicTimer.fromState(state, parts)).toThrow("LapicTimer.fromState: expected hvInUse");
  });

  it("across the TSC-deadline mode zeroes the count just copied", () => {
    const { timer, hrtimer } = fixture();
    timer.writeLvtt(TSC_DEADLINE | VECTOR);
    timer.restore({ lvtt: PERIODIC | VECTOR, tmict: 1_000_000, tdcr: 0, tmcct: 500_000 });
    expect([timer.tmict, hrtimer.armed]).toEqual([0, false]);
  });

  it("onto a timer already in TSC-deadline mode keeps its deadline and arms it again", () => {
    const { timer, hrtimer, guest } = fixture();
    timer.writeLvtt(TSC_DEADLINE | VECTOR);
    const deadline = guest() + 2_500_000n;
    timer.writeTscDeadline(deadline);
    timer.restore({ lvtt: TSC_DEADLINE | VECTOR, tmict: 0, tdcr: 0, tmcct: 0 });
    expect([timer.readTscDeadline(), hrtimer.armed]).toEqual([deadline, true]);
  });
});

describe("skipping a backlog", () => {
  const MS = 1_000_000n;

  function backlog(behaviours: Partial<LapicTimerBehaviours>, late: bigint, period = MS, khz = 2_095_078) {
    const f = fixture({ host: new FakeHost({ khz }), behaviours });
    f.timer.writeTdcr(DIVIDE_BY[1]);
    f.timer.writeLvtt(PERIODIC | VECTOR);
    f.timer.writeTmict(Number(period));
    f.host.moveTo(f.timer.target + late);
    f.hrtimer.fire();
    return f;
  }

  it.each([
    ["independent", "add-period"],
    ["independent", "set-target"],
    ["resync", "add-period"],
    ["resync", "set-target"],
  ] as const)("under %s with %s equals stepping, bit for bit", (periodicAdvance, hrtimerRearm) => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 300n * MS }),
        fc.bigInt({ min: 200_000n, max: 3n * MS }),
        fc.bigInt({ min: -2n * MS, max: 5n * MS }),
        (late, period, beyond) => {
          const stepped = backlog({ periodicAdvance, hrtimerRearm }, late, period);
          const skipped = backlog({ periodicAdvance, hrtimerRearm }, late, period);
          const horizon = stepped.host.mono + beyond;
          let callbacks = 0n;
          while (stepped.hrtimer.expiresNs <= horizon) {
            stepped.hrtimer.fire();
            callbacks += 1n;
          }
          const next: bigint = skipped.hrtimer.expiresNs;
          const { count, nextExpiryNs } = skipped.timer.skipBacklog(next, horizon);
          expect(count).toBe(callbacks === 0n ? 0n : callbacks - 1n);
          skipped.hrtimer.start(nextExpiryNs as typeof skipped.hrtimer.expiresNs, 0);
          if (callbacks > 0n) skipped.hrtimer.fire();
          expect(skipped.timer.state()).toEqual(stepped.timer.state());
        },
      ),
    );
  });

  it.each<[string, (f: Fixture) => void, Partial<LapicTimerBehaviours>]>([
    ["the expiry was injected", (f) => f.timer.injectPending(), { periodicAdvance: "resync" }],
    ["the timer is not periodic", (f) => f.timer.writeLvtt(VECTOR), { periodicAdvance: "resync" }],
    ["the advance is clamped", () => {}, {}],
    ["the advance is a proposal", () => {}, { periodicAdvance: "resync-signed" }],
    [
      "interrupts are posted",
      (f) => {
        f.vcpu.canPostTimerInterrupt = true;
      },
      { periodicAdvance: "resync", timerPlacement: "posted" },
    ],
  ])("skips nothing when %s", (_title, act, behaviours) => {
    const f = backlog(behaviours, 100n * MS);
    act(f);
    const next: bigint = f.timer.target;
    expect(f.timer.skipBacklog(next, next + 50n * MS)).toEqual({ count: 0n, nextExpiryNs: next });
  });

  it("skips nothing when the hrtimer's expiry is not the target it would be set to", () => {
    const f = backlog({ periodicAdvance: "resync", hrtimerRearm: "set-target" }, 100n * MS);
    const next = f.timer.target + 1n;
    expect(f.timer.skipBacklog(next, next + 50n * MS).count).toBe(0n);
  });
});
