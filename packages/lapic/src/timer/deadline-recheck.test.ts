import { describe, expect, it } from "vitest";
import { deadlineTimer } from "../../test/deadline-fixture.js";
import { FakeHost, fixture } from "../../test/fake-host.js";
import { SteeredHost } from "../../test/steered-host.js";
import { LAPIC_TIMER_BEHAVIOURS } from "../index.js";

const TSC_DEADLINE = 0x4_0000;
const VECTOR = 0xec;
/** The steered host's frequency: a second of its cycles. */
const SECOND = 2_097_152_000n;

describe("restart-on-update", () => {
  const PERIOD = SECOND / 250n;

  it.each([
    [500, -4192n],
    [-500, 4197n],
  ])(
    "a change to %i ppm no update told of before the deadline counts for the time left: %i cycles",
    (ppm, by) => {
      const host = new SteeredHost();
      const f = deadlineTimer("restart-on-update", host);
      f.timer.writeTscDeadline(SECOND);
      host.run([[SECOND - PERIOD, () => host.steer(ppm)]]);
      // 4 ms · 500 ppm = 2 µs.
      expect(f.outcome()).toMatchObject({ missed: by, compensations: 0 });
    },
  );

  it("a deadline due at an update is armed for now, and expires in its callback", () => {
    const host = new SteeredHost();
    const f = deadlineTimer("restart-on-update", host);
    f.timer.writeTscDeadline(SECOND);
    host.run([
      [SECOND - PERIOD, () => host.steer(-500)],
      [
        SECOND + 10n,
        () => {
          f.timer.clockUpdated();
          expect([f.hrtimer.expiresNs, f.timer.pending]).toEqual([host.mono, 0]);
        },
      ],
    ]);
    expect(f.outcome()).toMatchObject({ missed: 10n, compensations: 1 });
  });

  it.each([
    [undefined, 6, 7],
    [149, 0, 1],
    [150, 1, 2],
    [0, 0, 1],
  ] as const)(
    "at 2.5 GHz and a threshold of %s ppb %i units of mult do not restart, %i do",
    (ppb, keeps, moves) => {
      // A unit is 149.01 ppb: NTP's dithering by one must not restart.
      const RAW_MULT = 6_710_886;
      const restarts = (units: number) => {
        const host = new SteeredHost({ khz: 2_500_000, rawMult: RAW_MULT, shift: 24 });
        const config = ppb === undefined ? {} : { rateThresholdPpb: ppb };
        const f = deadlineTimer("restart-on-update", host, config);
        f.timer.writeTscDeadline(2_500_000_000n);
        host.setMult(RAW_MULT + units);
        f.timer.clockUpdated();
        return f.outcome().compensations;
      };
      expect([restarts(keeps), restarts(-keeps), restarts(moves), restarts(-moves)]).toEqual([0, 0, 1, 1]);
    },
  );

  it("compares with the rate of the last arming, not of the first", () => {
    const host = new SteeredHost();
    const seen: unknown[] = [];
    const f = deadlineTimer(
      "restart-on-update",
      host,
      {},
      {
        events: { onCompensate: (rate, armedAt) => seen.push([rate.monoMult, armedAt?.monoMult]) },
      },
    );
    f.timer.writeTscDeadline(SECOND);
    for (const ppm of [100, 100, -100]) {
      host.steer(ppm);
      f.timer.clockUpdated();
    }
    expect(seen).toEqual([
      [4_000_400, 4_000_000],
      [3_999_600, 4_000_400],
    ]);
  });

  it("leaves alone a one-shot, a preemption timer in use, and a timer that is not armed", () => {
    const host = new SteeredHost();
    const f = deadlineTimer("restart-on-update", host, {}, { behaviours: { hvModes: "deadline" } });
    f.timer.writeTscDeadline(SECOND);
    expect(f.timer.hvInUse).toBe(true);
    host.steer(500);
    f.timer.clockUpdated();
    f.timer.writeTscDeadline(0n);
    f.timer.clockUpdated();
    f.timer.writeLvtt(VECTOR);
    f.timer.writeTmict(1_000_000);
    host.steer(-500);
    f.timer.clockUpdated();
    expect(f.outcome().compensations).toBe(0);
  });
});

describe("an early expiry that finds time left", () => {
  it("waits again for less and less (1 s at +500 ppm: 499.75 µs, 249 ns, below 1 ns), and expires once", () => {
    const host = new FakeHost({ ppm: 500, uptimeSeconds: 0 });
    const rechecks: unknown[] = [];
    const armed: unknown[] = [];
    const { timer, hrtimer, vcpu } = fixture({
      host,
      behaviours: { deadlineClock: "recheck-on-wake" },
      events: {
        onRecheck: (...recheck) => rechecks.push(recheck),
        onArm: (arming) => armed.push(arming),
      },
    });
    timer.writeLvtt(TSC_DEADLINE | VECTOR);
    timer.writeTscDeadline(2_500_000_000n);
    do {
      host.moveTo(hrtimer.expiresNs);
    } while (hrtimer.fire());
    expect(rechecks).toEqual([
      [1_249_375n, "restarted"],
      [624n, "restarted"],
      [2n, "expired"],
    ]);
    expect(armed).toEqual(
      [1_000_000_000n, 1_000_499_750n, 1_000_499_999n].map((expiresNs) => ({
        backend: "hrtimer",
        clock: "monotonic",
        expiresNs,
      })),
    );
    expect([timer.pending, vcpu.unblocks, vcpu.kicks]).toEqual([1, 1, 1]);
  });

  it("is for ever lost where the check does not arm again (S2.d)", () => {
    const host = new SteeredHost();
    host.steer(500);
    const f = deadlineTimer("recheck-without-restart", host);
    f.timer.writeTscDeadline(SECOND);
    host.run();
    // 1 − 1 / 1.0005 of a second.
    expect(f.outcome()).toMatchObject({ missed: undefined, rechecks: [[1_048_051n, "lost"]] });
    expect([f.timer.hrtimerArmed, f.timer.pending, f.vcpu.unblocks, f.vcpu.kicks]).toEqual([false, 0, 0, 0]);
    expect(f.timer.readTscDeadline()).toBe(SECOND);
  });

  it.each([0, -500])("where nothing is early, at %i ppm, nothing is lost", (ppm) => {
    const host = new SteeredHost();
    host.steer(ppm);
    const f = deadlineTimer("recheck-without-restart", host);
    f.timer.writeTscDeadline(SECOND);
    host.run();
    expect(f.timer.pending).toBe(1);
  });
});

describe("the timer advance", () => {
  const ADVANCE = { advance: { kind: "fixed", ns: 1000 } } as const;
  /** 1000 ns. */
  const EARLY = 2097n;

  it.each(LAPIC_TIMER_BEHAVIOURS.deadlineClock)(
    "is taken off under %s, and is no earliness to a check",
    (value) => {
      const host = new SteeredHost();
      const f = deadlineTimer(value, host, ADVANCE);
      f.timer.writeTscDeadline(SECOND);
      host.run();
      expect(f.outcome().missed).toBe(-EARLY);
      expect(f.outcome().rechecks.every(([, outcome]) => outcome === "expired")).toBe(true);
      expect(f.timer.expiredTsc).toBe(SECOND);
    },
  );

  it("a check under a slew stops at the deadline minus the advance", () => {
    const host = new SteeredHost();
    host.steer(500);
    const f = deadlineTimer("recheck-on-wake", host, ADVANCE);
    f.timer.writeTscDeadline(SECOND);
    host.run();
    const { missed = 0n } = f.outcome();
    expect(missed + EARLY >= -4n && missed + EARLY <= 0n).toBe(true);
  });

  it("a deadline within it expires at the write, whatever the clock", () => {
    for (const value of LAPIC_TIMER_BEHAVIOURS.deadlineClock) {
      const f = deadlineTimer(value, new SteeredHost(), ADVANCE);
      f.timer.writeTscDeadline(EARLY);
      expect([value, f.timer.pending]).toEqual([value, 1]);
    }
  });
});
