import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deadlineTimer } from "../../test/deadline-fixture.js";
import { FakeHost, fixture } from "../../test/fake-host.js";
import { SteeredHost } from "../../test/steered-host.js";
import {
  DEADLINE_CLOCK_EXPERIMENTS,
  DEADLINE_CLOCK_RULES,
  type DeadlineClock,
  LAPIC_TIMER_BEHAVIOURS,
  LapicTimer,
} from "../index.js";

const TSC_DEADLINE = 0x4_0000;
const VECTOR = 0xec;
/** The steered host's frequency: a second of its cycles. */
const SECOND = 2_097_152_000n;

describe("what else the timer does is the same under every value", () => {
  const operation = fc.tuple(
    fc.nat(8),
    fc.oneof(fc.constantFrom(VECTOR, 0x2_0000), fc.integer({ min: 0, max: 0xffff_ffff })),
  );

  it.each([
    ...LAPIC_TIMER_BEHAVIOURS.deadlineClock,
    ...Object.keys(DEADLINE_CLOCK_EXPERIMENTS),
  ] as DeadlineClock[])("one-shot and periodic under %s", (value) => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), fc.boolean(), (operations, software) => {
        const run = (deadlineClock: DeadlineClock) => {
          const host = new SteeredHost();
          host.steer(500);
          const hvModes = software ? "none" : "all";
          const f = fixture({
            host,
            createRawTimer: host.createRawTimer,
            rateShift: 5,
            behaviours: { deadlineClock, hvModes },
            config: { tscDeadlineSupported: false },
          });
          for (const [op, v] of operations) {
            [
              () => f.timer.writeLvtt(v),
              () => f.timer.writeTmict(v),
              () => f.timer.writeTdcr(v),
              () => f.timer.switchToSw(),
              () => f.timer.switchToHv(),
              () => f.timer.clockUpdated(),
              () => f.timer.injectPending(),
              () => host.spend(BigInt(v % 3_000_000)),
              () => {
                if (f.hrtimer.armed) f.hrtimer.fire();
              },
            ][op]?.();
          }
          return f.timer.state();
        };
        expect(run(value)).toEqual(run("monotonic"));
      }),
      { numRuns: 30 },
    );
  });
});

describe("a deadline on CLOCK_MONOTONIC_RAW", () => {
  function armed() {
    const disarmed: string[] = [];
    const armings: unknown[] = [];
    const f = deadlineTimer(
      "raw",
      new SteeredHost(),
      {},
      {
        events: {
          onDisarm: (backend) => disarmed.push(backend),
          onArm: (arming) => armings.push(arming),
        },
      },
    );
    f.timer.writeTscDeadline(SECOND);
    const [raw] = f.host.rawTimers;
    if (raw === undefined) throw new Error("no RAW timer was created");
    return { ...f, raw, disarmed, armings };
  }

  it("is on a timer of its own, and the hrtimer stays idle", () => {
    const { timer, hrtimer, raw, armings } = armed();
    expect([hrtimer.armed, raw.armed, timer.hrtimerArmed]).toEqual([false, true, true]);
    expect([timer.hrtimerExpiresNs, timer.rawExpiresNs]).toEqual([undefined, 1_000_000_000n]);
    expect(armings).toEqual([{ backend: "hrtimer", clock: "raw", expiresNs: 1_000_000_000n }]);
  });

  it.each<[string, (f: ReturnType<typeof armed>) => void]>([
    ["a deadline of 0", (f) => f.timer.writeTscDeadline(0n)],
    ["a change of mode", (f) => f.timer.writeLvtt(VECTOR)],
    ["a reset", (f) => f.timer.reset()],
  ])("is disarmed by %s", (_title, act) => {
    const f = armed();
    act(f);
    expect([f.raw.armed, f.timer.hrtimerArmed, f.disarmed]).toEqual([false, false, ["hrtimer"]]);
  });

  it("moves with its vCPU, to the same instant", () => {
    const { timer, raw, armings } = armed();
    expect(timer.migrate()).toBe(true);
    expect([raw.starts, raw.expiresNs, armings.length]).toEqual([2, 1_000_000_000n, 2]);
  });

  it("is left for the preemption timer, and taken up again at a block", () => {
    const host = new SteeredHost();
    const f = deadlineTimer("raw", host, {}, { behaviours: { hvModes: "deadline" } });
    f.timer.writeTscDeadline(SECOND);
    expect([f.timer.hvInUse, f.timer.hrtimerArmed]).toEqual([true, false]);
    f.timer.switchToSw();
    expect([f.timer.hvInUse, f.timer.rawExpiresNs]).toEqual([false, 1_000_000_000n]);
    f.timer.switchToHv();
    expect([f.timer.hvInUse, f.timer.hrtimerArmed]).toEqual([true, false]);
  });
});

describe("state", () => {
  const operation = fc.tuple(fc.nat(9), fc.integer({ min: -100_000, max: 4_000_000_000 }));

  it.each([...LAPIC_TIMER_BEHAVIOURS.deadlineClock, "recheck-without-restart"] as const)(
    "round trips under %s, and the copy goes on as the timer does",
    (value) => {
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 25 }), (operations) => {
          const host = new SteeredHost();
          const f = deadlineTimer(value, host, {}, { events: { onExpire: () => {} } });
          for (const [op, v] of operations) {
            [
              () => f.timer.writeTscDeadline(f.guest() + BigInt(Math.abs(v))),
              () => f.timer.writeTscDeadline(f.guest() + BigInt(Math.abs(v))),
              () => f.timer.writeLvtt(TSC_DEADLINE | VECTOR),
              () => f.timer.writeLvtt(VECTOR),
              () => f.timer.writeTmict(Math.abs(v)),
              () => f.timer.injectPending(),
              () => host.steer(v % 100_000),
              () => f.timer.clockUpdated(),
              () => host.spend(BigInt(Math.abs(v))),
              () => {
                for (const timer of [...host.timers, ...host.rawTimers]) if (timer.armed) timer.fire();
              },
            ][op]?.();
          }
          const state = JSON.parse(JSON.stringify(f.timer.state()));
          const parts = {
            clock: host,
            tsc: f.tsc,
            vcpu: f.vcpu,
            createTimer: host.createTimer,
            createRawTimer: host.createRawTimer,
            behaviours: f.timer.behaviours,
            ...(f.hv === undefined ? {} : { preemptionTimer: f.hv }),
          };
          const copy = LapicTimer.fromState(state, parts);
          expect(copy.state()).toEqual(f.timer.state());
          host.steer(-77);
          copy.clockUpdated();
          f.timer.clockUpdated();
          expect(copy.state()).toEqual(f.timer.state());
        }),
        { numRuns: 40 },
      );
    },
  );

  it("from before the axis restores under any value that needs no more, and an unknown rate counts as moved", () => {
    const host = new SteeredHost();
    const f = deadlineTimer("monotonic", host);
    f.timer.writeTscDeadline(SECOND);
    const state = f.timer.state();
    expect("deadlineTimer" in state).toBe(false);
    const parts = { clock: host, tsc: f.tsc, vcpu: f.vcpu, createTimer: host.createTimer };
    const seen: unknown[] = [];
    const copy = LapicTimer.fromState(state, {
      ...parts,
      behaviours: { deadlineClock: "restart-on-update" },
      events: { onCompensate: (_rate, armedAt) => seen.push(armedAt) },
    });
    copy.clockUpdated();
    copy.clockUpdated();
    expect(seen).toEqual([undefined]);
  });

  it("of a RAW deadline is refused by a value without RAW, and widths are checked", () => {
    const host = new SteeredHost();
    const f = deadlineTimer("raw", host);
    f.timer.writeTscDeadline(SECOND);
    const parts = { clock: host, tsc: f.tsc, vcpu: f.vcpu, createTimer: host.createTimer };
    expect(() => LapicTimer.fromState(f.timer.state(), parts)).toThrow(
      "LapicTimer.fromState: expected a deadlineClock on CLOCK_MONOTONIC_RAW for rawExpiresNs, got none",
    );
    const raw = {
      ...parts,
      createRawTimer: host.createRawTimer,
      behaviours: { deadlineClock: "raw" },
    } as const;
    const beyond = { rawExpiresNs: (2n ** 63n).toString(), armedRate: null };
    expect(() => LapicTimer.fromState({ ...f.timer.state(), deadlineTimer: beyond }, raw)).toThrow(
      "LapicTimer.fromState: expected rawExpiresNs",
    );
    const m3 = { ...parts, behaviours: { deadlineClock: "restart-on-update" } } as const;
    const rate = { monoMult: 1, rawMult: 1, shift: 0 };
    for (const [name, wrong] of [
      ["monoMult", 2 ** 32],
      ["rawMult", -1],
      ["shift", 64],
    ] as const) {
      const deadlineTimerState = { rawExpiresNs: null, armedRate: { ...rate, [name]: wrong } };
      const state = { ...f.timer.state(), deadlineTimer: deadlineTimerState };
      expect(() => LapicTimer.fromState(state, m3)).toThrow(
        `LapicTimer.fromState: expected armedRate.${name}`,
      );
    }
  });
});

describe("what a value needs", () => {
  const needsRate: readonly DeadlineClock[] = [
    "raw",
    "mapped-each-tick",
    "rate-compensated",
    "restart-on-update",
    "compensated-rechecked",
  ];
  const parts = (host: FakeHost) => {
    const { tsc, vcpu } = fixture();
    return { clock: host, tsc, vcpu, createTimer: host.createTimer };
  };

  it.each(needsRate)("%s needs a clock that tells its rate and RAW", (deadlineClock) => {
    const createRawTimer = new SteeredHost().createRawTimer;
    const build = () =>
      new LapicTimer({ ...parts(new FakeHost()), createRawTimer, behaviours: { deadlineClock } });
    expect(build).toThrow(TypeError);
    expect(build).toThrow(
      `LapicTimer: expected a SteeredHostClock with rate() and rawNs() for deadlineClock ${deadlineClock}, got none`,
    );
  });

  it.each(["raw", "mapped-each-tick"] as const)("%s needs a timer on RAW", (deadlineClock) => {
    expect(() => new LapicTimer({ ...parts(new SteeredHost()), behaviours: { deadlineClock } })).toThrow(
      new TypeError(`LapicTimer: expected createRawTimer for deadlineClock ${deadlineClock}, got none`),
    );
  });

  it("hardware-multiplexed needs a preemption timer", () => {
    const behaviours = { deadlineClock: "hardware-multiplexed" } as const;
    expect(() => new LapicTimer({ ...parts(new SteeredHost()), behaviours })).toThrow(
      new TypeError("LapicTimer: expected preemptionTimer for deadlineClock hardware-multiplexed, got none"),
    );
  });

  it.each(["monotonic", "recheck-on-wake", "recheck-without-restart"] as const)(
    "%s needs no more than it always did",
    (deadlineClock) => {
      const timer = new LapicTimer({ ...parts(new FakeHost()), behaviours: { deadlineClock } });
      timer.clockUpdated();
      expect(timer.behaviours.deadlineClock).toBe(deadlineClock);
    },
  );

  it("an unknown value and a threshold out of range are refused", () => {
    expect(() => deadlineTimer("ntp" as "raw", new SteeredHost())).toThrow(
      "LapicTimer: expected behaviours.deadlineClock to be one of monotonic, raw",
    );
    for (const rateThresholdPpb of [-1, 0.5, 1_000_000_001]) {
      expect(() => deadlineTimer("monotonic", new SteeredHost(), { rateThresholdPpb })).toThrow(
        "LapicTimer: expected rateThresholdPpb in 0 … 1000000000",
      );
    }
  });

  it("every value has a rule", () => {
    expect(Object.keys(DEADLINE_CLOCK_RULES).sort()).toEqual(
      [...LAPIC_TIMER_BEHAVIOURS.deadlineClock, ...Object.keys(DEADLINE_CLOCK_EXPERIMENTS)].sort(),
    );
  });
});
