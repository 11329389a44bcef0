import { VcpuTsc, type VcpuTscView } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deadlineTimer, type Outcome } from "../../test/deadline-fixture.js";
import { FakeHost, fixture } from "../../test/fake-host.js";
import { SteeredHost } from "../../test/steered-host.js";
import { type DeadlineClock, deadlineClockDelayNs, type LapicTimerConfig } from "../index.js";

const TSC_DEADLINE = 0x4_0000;
const VECTOR = 0xec;
/** The steered host's frequency: a second of its cycles. */
const SECOND = 2_097_152_000n;

describe("on CLOCK_MONOTONIC the callback misses the deadline by the slew (S003, 2.5 GHz, armed at TSC 0)", () => {
  const MS = 2_500_000n;

  it.each([
    [MS, 500, -1249n, -3748n],
    [10n * MS, 500, -12_493n, -14_992n],
    [100n * MS, 50, -12_499n, -14_999n],
    [1000n * MS, 50, -124_993n, -127_493n],
    [1000n * MS, 500, -1_249_375n, -1_251_874n],
    [10n * MS, -500, 12_507n, 10_006n],
    [1000n * MS, -500, 1_250_626n, 1_248_125n],
  ])("a wait of %i cycles at %i ppm: by %i, with an advance of 1000 ns by %i", (wait, ppm, off, advanced) => {
    const missBy = (advance: LapicTimerConfig["advance"]) => {
      const host = new FakeHost({ ppm, uptimeSeconds: 0 });
      const { timer, hrtimer, guest } = fixture({ host, config: { advance } });
      timer.writeLvtt(TSC_DEADLINE | VECTOR);
      timer.writeTscDeadline(wait);
      host.moveTo(hrtimer.expiresNs);
      return guest() - wait;
    };
    expect([missBy({ kind: "off" }), missBy({ kind: "fixed", ns: 1000 })]).toEqual([off, advanced]);
  });

  // docs/model/timekeeping-ntp §6 gives these in ns: 0.4 per cycle.
  it.each([
    ["1 ms", MS, 83_333, -192_306n],
    ["1 ms", MS, -83_333, 227_272n],
    ["1.28 s", 1280n * MS, 500, -1_599_200n],
    ["1.28 s", 1280n * MS, -500, 1_600_801n],
    ["1.28 s", 1280n * MS, 83_333, -246_152_937n],
    ["1.28 s", 1280n * MS, -83_333, 290_907_822n],
    ["10 s", 10_000n * MS, 500, -12_493_753n],
    ["10 s", 10_000n * MS, -500, 12_506_254n],
  ])("%s (%i cycles) at %i ppm: by %i (§6, ideal device)", (_title, wait, ppm, missed) => {
    const host = new FakeHost({ ppm, uptimeSeconds: 0 });
    const { timer, hrtimer, guest } = fixture({ host });
    timer.writeLvtt(TSC_DEADLINE | VECTOR);
    timer.writeTscDeadline(wait);
    host.moveTo(hrtimer.expiresNs);
    expect(guest() - wait).toBe(missed);
  });

  it("a slew within the advance's band is tuned away, and mis-corrects when it ends (S2.e)", () => {
    const host = new FakeHost({ ppm: -500, uptimeSeconds: 0 });
    const late: bigint[] = [];
    const { timer, hrtimer, guest } = fixture({
      host,
      config: { advance: { kind: "adaptive" } },
      events: { onTune: (_ns, delta) => late.push(delta) },
    });
    timer.writeLvtt(TSC_DEADLINE | VECTOR);
    const advances: number[] = [];
    for (let i = 0; i < 40; i++) {
      advances.push(timer.advanceNs);
      timer.writeTscDeadline(guest() + 4n * MS);
      host.moveTo(hrtimer.expiresNs);
      hrtimer.fire();
      timer.injectPending();
      timer.waitBeforeEntry("present");
    }
    expect(advances.slice(0, 5)).toEqual([1000, 1125, 1234, 1329, 1412]);
    expect(timer.advanceNs).toBe(1962);
    // Another phase of the truncated CLOCK_MONOTONIC sample moves an expiry by up to 3 cycles.
    for (const [i, expected] of [2501n, 2188n, 1915n, 1678n, 1470n].entries()) {
      const error = (late[i] ?? 0n) - expected;
      expect(error >= -3n && error <= 3n).toBe(true);
    }
  });
});

describe("a constant slew of a wait of 1.28 s", () => {
  const WAIT = (128n * SECOND) / 100n;
  const exact: readonly DeadlineClock[] = [
    "raw",
    "mapped-each-tick",
    "rate-compensated",
    "restart-on-update",
    "compensated-rechecked",
  ];

  function missed(deadlineClock: DeadlineClock, ppm: number) {
    const host = new SteeredHost();
    host.steer(ppm);
    const f = deadlineTimer(deadlineClock, host);
    f.timer.writeTscDeadline(WAIT);
    host.run();
    return f.outcome();
  }

  it.each(exact.flatMap((value) => [0, 500, -500, 83_333, -83_333].map((ppm) => [value, ppm] as const)))(
    "%s at %i ppm meets the deadline",
    (value, ppm) => {
      expect(missed(value, ppm).missed).toBe(0n);
    },
  );

  it.each([
    [500, -1_341_506n],
    [-500, 1_342_849n],
    [83_333, -206_488_049n],
    [-83_333, 244_031_168n],
  ])("monotonic and hardware-multiplexed, out of the guest, miss it at %i ppm by %i cycles", (ppm, by) => {
    // ⌈W / (1 + p)⌉ − W, with 0.476 837 ns per cycle.
    expect([missed("monotonic", ppm).missed, missed("hardware-multiplexed", ppm).missed]).toEqual([by, by]);
  });

  it("recheck-on-wake is early by less than a nanosecond, however fast the clock; late it stays late", () => {
    expect(missed("recheck-on-wake", 500)).toMatchObject({ missed: -2n });
    expect(missed("recheck-on-wake", 83_333)).toMatchObject({ missed: -1n });
    expect(missed("recheck-on-wake", -500)).toMatchObject({ missed: 1_342_849n });
    expect(missed("recheck-on-wake", 0)).toMatchObject({ missed: 0n, rechecks: [[0n, "expired"]] });
  });
});

describe("a wait of 10 s whose slew changes after 2 s (S2.c)", () => {
  /** The timekeeper is updated every 4 ms, also at 2 s + 4 ms. */
  function missed(deadlineClock: DeadlineClock, before: number, after: number): Outcome {
    const host = new SteeredHost();
    host.steer(before);
    const f = deadlineTimer(deadlineClock, host);
    f.timer.writeTscDeadline(10n * SECOND);
    const tick = SECOND / 250n;
    const updates = Array.from(
      { length: 2600 },
      (_, i) => [BigInt(i + 1) * tick, () => f.timer.clockUpdated()] as const,
    );
    // The update at 2 s comes first, and knows nothing of the change.
    const change = [2n * SECOND, () => host.steer(after)] as const;
    host.run([...updates.slice(0, 500), change, ...updates.slice(500)]);
    return f.outcome();
  }

  it.each([
    // 4.002 ms, −3.998 ms, −1 ms, 1 ms without compensation
    [0, -500, 8_392_805n, 8_392_805n, 8_392_805n, 0],
    [0, 500, -8_384_415n, -8_384_415n, -2n, 3],
    [500, 0, -2_097_152n, 8_388_608n, 0n, 1],
    [-500, 0, 2_097_152n, -8_388_608n, 2_097_152n, 0],
  ] as const)(
    "from %i to %i ppm: monotonic %i, rate-compensated %i, recheck-on-wake %i cycles after %i restarts",
    (before, after, m0, m2, m4, restarts) => {
      expect(missed("monotonic", before, after).missed).toBe(m0);
      expect(missed("rate-compensated", before, after).missed).toBe(m2);
      const rechecked = missed("recheck-on-wake", before, after);
      expect(rechecked.missed).toBe(m4);
      expect(rechecked.rechecks.filter(([, outcome]) => outcome === "restarted")).toHaveLength(restarts);
    },
  );

  it.each([
    [0, -500],
    [0, 500],
    [500, 0],
    [-500, 0],
  ])("from %i to %i ppm one restart by the next update puts it right, and RAW never went wrong", (a, b) => {
    for (const value of ["restart-on-update", "compensated-rechecked"] as const) {
      const { missed: by = 999n, compensations } = missed(value, a, b);
      expect(compensations).toBe(1);
      // Armed anew from two truncated samples: below 2 ns, 4 cycles.
      expect(by >= -4n && by <= 0n).toBe(true);
    }
    expect(missed("raw", a, b).missed).toBe(0n);
    expect(missed("mapped-each-tick", a, b).missed).toBe(0n);
  });

  it("remainders shrink by the slew each round: 3.998 ms, 1.998 µs, 1 ns", () => {
    expect(missed("recheck-on-wake", 0, 500).rechecks).toEqual([
      [8_384_415n, "restarted"],
      [4192n, "restarted"],
      [4n, "restarted"],
      [2n, "expired"],
    ]);
  });
});

describe("a far deadline, at 2.5 GHz (S2.f)", () => {
  const WRAPS_AT = 18_446_744_073_710n;
  const at = (value: DeadlineClock, cycles: bigint, ppm = 0) => {
    const host = new SteeredHost({ khz: 2_500_000, rawMult: 6_710_886, shift: 24 });
    host.steer(ppm);
    const f = deadlineTimer(value, host);
    f.timer.writeTscDeadline(cycles);
    return f.timer.hrtimerExpiresNs ?? f.timer.rawExpiresNs ?? "expired";
  };

  it.each<[DeadlineClock, bigint, bigint]>([
    ["monotonic", 7_378_697_629_483n, 0n],
    ["raw", 7_378_697_629_483n, 0n],
    ["recheck-on-wake", 7_378_697_629_483n, 0n],
    // floor(ns · 6714241 / 6710886)
    ["rate-compensated", 7_382_386_491_214n, 0n],
  ])("%s waits %i ns for the last in reach, and takes the next for one now", (value, ns) => {
    expect(at(value, WRAPS_AT - 1n, 500)).toBe(ns);
    expect(at(value, WRAPS_AT, 500)).toBe("expired");
  });

  it("by host cycles it is met: nothing wraps, and a day is a day", () => {
    expect(at("compensated-rechecked", WRAPS_AT)).toBe((WRAPS_AT * 6_710_886n) >> 24n);
    expect(at("compensated-rechecked", 86_400n * 2_500_000_000n)).toBe(86_399_994_850_158n);
  });

  it("by host cycles beyond 2^63 ns it is never", () => {
    const host = new SteeredHost({ khz: 500_000, rawMult: 2 ** 31, shift: 30 });
    const f = deadlineTimer("compensated-rechecked", host);
    f.timer.writeTscDeadline(2n ** 64n - 1n);
    expect(f.timer.hrtimerExpiresNs).toBe(2n ** 63n - 1n);
  });

  it("an early alias is put right by a check, unless the rest is an alias of 0", () => {
    const firedAt = (cycle: bigint) => {
      const host = new SteeredHost({ khz: 2_500_000, rawMult: 6_710_886, shift: 24 });
      const f = deadlineTimer("recheck-on-wake", host);
      f.timer.writeTscDeadline(WRAPS_AT + 2_500_000n);
      expect(f.timer.hrtimerExpiresNs).toBe(1_000_000n);
      host.now = cycle;
      f.hrtimer.fire();
      return f.outcome().rechecks;
    };
    expect(firedAt(2_499_999n)).toEqual([[WRAPS_AT + 1n, "expired"]]);
    expect(firedAt(2_500_010n)).toEqual([[WRAPS_AT - 10n, "restarted"]]);
  });
});

describe("a guest at another frequency", () => {
  it("by host cycles waits by the ratio, and misses by less than 2 ns; by kHz by the rounding of kHz too", () => {
    const host = new SteeredHost();
    host.steer(-500);
    const options = { guestKhz: 3_000_001 };
    for (const value of ["compensated-rechecked", "rate-compensated", "raw"] as const) {
      const f = deadlineTimer(value, new SteeredHost(), {}, options);
      f.timer.writeTscDeadline(3_000_001_000n);
      f.host.run();
      const { missed = 999n } = f.outcome();
      expect(missed >= -6n && missed <= 6n).toBe(true);
    }
  });
});

describe("for every slew, wait and frequency", () => {
  interface Inputs {
    readonly khz: number;
    readonly ppm: number;
    readonly uptime: bigint;
    readonly wait: bigint;
    readonly advanceNs: number;
  }
  const hosts: fc.Arbitrary<Inputs> = fc.record({
    khz: fc.integer({ min: 800_000, max: 4_000_000 }),
    ppm: fc.integer({ min: -100_000, max: 100_000 }),
    uptime: fc.bigInt({ min: 0n, max: 10n ** 13n }),
    wait: fc.bigInt({ min: 1n, max: 10n ** 12n }),
    advanceNs: fc.constantFrom(0, 0, 1000, 4321),
  });

  /** A host with the kernel's own multiplier at shift 24, up for some cycles. */
  function machine(value: DeadlineClock, { khz, ppm, uptime, wait, advanceNs }: Inputs) {
    const rawMult = Math.round((1_000_000 * 2 ** 24) / khz);
    const host = new SteeredHost({ khz, rawMult, shift: 24 });
    host.now = uptime;
    host.steer(ppm);
    const f = deadlineTimer(value, host, { advance: { kind: "fixed", ns: advanceNs } });
    const start = host.mono;
    f.timer.writeTscDeadline(uptime + wait);
    return { ...f, start };
  }

  it("rate-compensated arms the nearest whole ns not after cycles / kHz · mono / raw, the fraction of a ns lost twice", () => {
    fc.assert(
      fc.property(hosts, (inputs) => {
        const f = machine("rate-compensated", inputs);
        const { monoMult, rawMult } = f.host.rate();
        const armed = f.timer.hrtimerExpiresNs;
        if (armed === undefined) {
          expect(f.timer.pending).toBe(1);
          return;
        }
        // In units of 1 / (kHz · rawMult) ns nothing has to be rounded.
        const unit = BigInt(inputs.khz) * BigInt(rawMult);
        const ideal = inputs.wait * 1_000_000n * BigInt(monoMult);
        const waited = (armed - f.start + BigInt(inputs.advanceNs)) * unit;
        expect(waited <= ideal).toBe(true);
        expect(ideal - waited < unit + BigInt(inputs.khz) * BigInt(monoMult)).toBe(true);
      }),
    );
  });

  it("recheck-on-wake fires as the model of integers says, and is never more than a ns and its rounding early", () => {
    /** Callbacks' cycles by rational arithmetic over ns · 2^24: no timer, no clock object. */
    function model({ khz, ppm, uptime, wait, advanceNs }: Inputs): bigint[] {
      const raw = Math.round((1_000_000 * 2 ** 24) / khz);
      const mult = BigInt(Math.floor((raw * (1_000_000 + ppm)) / 1_000_000));
      // CLOCK_MONOTONIC ran at RAW's rate until the slew began.
      const base = uptime * BigInt(raw);
      const readNs = (cycle: bigint) => (base + (cycle - uptime) * mult) / 2n ** 24n;
      const cycles: bigint[] = [];
      let cycle = uptime;
      for (;;) {
        const left = uptime + wait - cycle;
        const ns = left > 0n ? (left * 1_000_000n) / BigInt(khz) - BigInt(advanceNs) : 0n;
        if (ns <= 0n) return cycles;
        const target = (readNs(cycle) + ns) * 2n ** 24n;
        let next = uptime + (target - base) / mult;
        if (base + (next - uptime) * mult < target) next += 1n;
        cycle = next > cycle ? next : cycle;
        cycles.push(cycle);
      }
    }

    fc.assert(
      fc.property(hosts, (inputs) => {
        const expected = model(inputs);
        const f = machine("recheck-on-wake", inputs);
        const fired: bigint[] = [];
        while (f.hrtimer.armed) {
          const due = f.host.firstCycleOf("monotonic", f.hrtimer.expiresNs);
          if (due > f.host.now) f.host.now = due;
          fired.push(f.host.now);
          f.hrtimer.fire();
        }
        expect(fired).toEqual(expected);
        expect(f.timer.pending).toBe(1);
      }),
    );
  });
});

describe("deadlineClockDelayNs", () => {
  const tsc: VcpuTscView = new VcpuTsc({ hostTscKhz: 2_500_000, userTscKhz: 2_500_000, vendor: "vmx" });
  const rate = { monoMult: 6_714_241, rawMult: 6_710_886, shift: 24 };

  it.each<[DeadlineClock, bigint, bigint]>([
    ["monotonic", 2_500_000_000n, 1_000_000_000n],
    ["recheck-on-wake", 2_500_000_000n, 1_000_000_000n],
    ["raw", 2_500_000_000n, 1_000_000_000n],
    ["rate-compensated", 2_500_000_000n, 1_000_499_933n],
    ["restart-on-update", 2_500_000_000n, 1_000_499_933n],
    ["compensated-rechecked", 2_500_000_000n, 1_000_499_874n],
    ["monotonic", 0n, 0n],
    ["compensated-rechecked", 2n, 0n],
    ["compensated-rechecked", 3n, 1n],
    ["rate-compensated", 18_446_744_073_710n, 0n],
    ["compensated-rechecked", 18_446_744_073_710n, 7_382_386_051_190n],
  ])("%s: %i cycles are %i ns at +500 ppm", (value, cycles, ns) => {
    expect(deadlineClockDelayNs(value, cycles, tsc, rate)).toBe(ns);
  });

  it.each<[string, () => unknown]>([
    ["deadlineClock", () => deadlineClockDelayNs("ntp" as "raw", 0n, tsc, rate)],
    ["cycles", () => deadlineClockDelayNs("raw", -1n, tsc, rate)],
    ["tsc.virtualTscKhz", () => deadlineClockDelayNs("raw", 1n, { ...tsc, virtualTscKhz: 0 }, rate)],
    ["rate.monoMult", () => deadlineClockDelayNs("raw", 1n, tsc, { ...rate, monoMult: 2 ** 32 })],
    ["rate.rawMult", () => deadlineClockDelayNs("raw", 1n, tsc, { ...rate, rawMult: 0 })],
    ["rate.shift", () => deadlineClockDelayNs("raw", 1n, tsc, { ...rate, shift: 64 })],
  ])("refuses a wrong %s", (what, call) => {
    expect(call).toThrow(`deadlineClockDelayNs: expected ${what}`);
  });
});
