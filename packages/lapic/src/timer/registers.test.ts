import { describe, expect, it } from "vitest";
import { FakeHost, type FixtureOptions, fixture } from "../../test/fake-host.js";
import { busCycleNsAccepted, type LapicTimerEvents } from "../index.js";

// Redeclared, so that a wrong constant in the source is caught.
const MASKED = 0x1_0000;
const PERIODIC = 0x2_0000;
const TSC_DEADLINE = 0x4_0000;
const RESERVED = 0x6_0000;
const VECTOR = 0xec;
const DIVIDE_BY = { 1: 0xb, 2: 0x0, 4: 0x1, 16: 0x3, 128: 0xa } as const;
const MS = 1_000_000n;

/** A 1 GHz host, so that a cycle is a nanosecond, and the timer's start at CLOCK_MONOTONIC `t0`. */
function started(lvtt: number, tdcr: number, tmict: number, options: FixtureOptions = {}) {
  const f = fixture({ host: new FakeHost({ khz: 1_000_000 }), ...options });
  const t0 = f.host.mono;
  f.timer.writeTdcr(tdcr);
  f.timer.writeLvtt(lvtt | VECTOR);
  f.timer.writeTmict(tmict);
  return { ...f, t0, after: (ns: bigint) => f.host.moveTo(t0 + ns) };
}

describe("the LVT timer register", () => {
  it.each([
    ["everything storable", 0xffff_ffff, 0x7_10ff],
    ["the delivery mode is not storable", 0x700 | VECTOR, VECTOR],
    ["the delivery status is", 0x1000, 0x1000],
  ])("stores %s", (_title, value, stored) => {
    const { timer } = fixture();
    timer.writeLvtt(value);
    expect(timer.lvtt).toBe(stored);
  });

  it("stores no TSC-deadline bit without CPUID, and no mode at all before CPUID is set", () => {
    const { timer } = fixture({ config: { tscDeadlineSupported: false } });
    timer.writeLvtt(RESERVED | VECTOR);
    expect([timer.lvtt, timer.mode]).toEqual([PERIODIC | VECTOR, 1]);
    timer.modeMask = 0;
    timer.writeLvtt(RESERVED | VECTOR);
    expect([timer.lvtt, timer.mode]).toEqual([VECTOR, 0]);
  });

  it("is masked by force while the APIC is software-disabled", () => {
    const { timer, vcpu } = fixture();
    vcpu.swEnabled = false;
    timer.writeLvtt(VECTOR);
    expect(timer.lvtt).toBe(MASKED | VECTOR);
  });

  it("written with the mode it has disturbs nothing", () => {
    const { timer, hrtimer } = started(PERIODIC, 0, 1_000_000);
    timer.writeLvtt(PERIODIC | MASKED | 0x31);
    expect([hrtimer.armed, hrtimer.starts, timer.tmict]).toEqual([true, 1, 1_000_000]);
  });
});

describe("the minimum period (E1)", () => {
  it("a short periodic count runs 200 µs and reads above its initial count", () => {
    const { timer, hrtimer, t0, after } = started(PERIODIC, DIVIDE_BY[1], 1000);
    expect([timer.period, hrtimer.expiresNs]).toEqual([200_000n, t0 + 200_000n]);
    after(1n);
    expect(timer.readTmcct()).toBe(199_999);
    expect(timer.tmict).toBe(1000);
  });

  it("a one-shot is not limited, and made periodic keeps its first target", () => {
    const { timer, hrtimer, t0, after } = started(0, DIVIDE_BY[1], 1000);
    expect(hrtimer.expiresNs).toBe(t0 + 1000n);
    after(400n);
    timer.writeLvtt(PERIODIC | VECTOR);
    expect([timer.period, timer.target]).toEqual([200_000n, t0 + 1000n]);
    after(1000n);
    hrtimer.fire();
    expect(hrtimer.expiresNs).toBe(t0 + 201_000n);
  });

  it("lowered at run time acts at the next computation of the period, not before", () => {
    const { timer } = started(PERIODIC, DIVIDE_BY[1], 1000);
    timer.minTimerPeriodUs = 1;
    timer.writeLvtt(PERIODIC | VECTOR);
    expect(timer.period).toBe(200_000n);
    timer.writeTmict(1000);
    expect(timer.period).toBe(1000n);
  });

  it("a rescaled remainder may exceed the period: the count is taken modulo it", () => {
    const { timer, after } = started(PERIODIC, DIVIDE_BY[1], 100_000);
    after(50_000n);
    timer.writeTdcr(DIVIDE_BY[2]);
    expect(timer.period).toBe(200_000n);
    expect(timer.readTmcct()).toBe(50_000);
  });
});

describe("a divide change while running (E2)", () => {
  it.each([
    [4, 3_500_000n, 750_000],
    [1, 1_250_000n, 750_000],
    [128, 96_500_000n, 750_000],
  ] as const)("÷2 → ÷%i moves the expiry and keeps the count", (divide, expiry, count) => {
    const { timer, hrtimer, t0, after } = started(0, DIVIDE_BY[2], 1_000_000);
    after(500_000n);
    expect(timer.readTmcct()).toBe(750_000);
    timer.writeTdcr(DIVIDE_BY[divide]);
    expect(timer.readTmcct()).toBe(count);
    expect(hrtimer.expiresNs).toBe(t0 + expiry);
  });

  it.each([
    [1, 833_333n],
    [128, 106_666_624n],
  ] as const)("an odd remainder of 1 666 666 ns at ÷2 becomes at ÷%i: %i", (divide, left) => {
    const { timer, host, t0, after } = started(0, DIVIDE_BY[2], 1_000_000);
    after(333_334n);
    timer.writeTdcr(DIVIDE_BY[divide]);
    expect(timer.target - host.mono).toBe(left);
    expect(host.mono).toBe(t0 + 333_334n);
  });

  it("the same divisor written again, by whatever bits, starts nothing", () => {
    const { timer, hrtimer } = started(0, DIVIDE_BY[2], 1_000_000);
    timer.writeTdcr(0x4);
    expect([hrtimer.starts, timer.tdcr]).toEqual([1, 0]);
  });

  it("before v4.15 the new divisor waits for the next initial count", () => {
    const { timer, hrtimer, t0 } = started(0, DIVIDE_BY[2], 1_000_000, {
      behaviours: { tdcr: "at-next-tmict" },
    });
    timer.writeTdcr(DIVIDE_BY[4]);
    expect([timer.divide, hrtimer.expiresNs]).toEqual([4, t0 + 2n * MS]);
    timer.writeTmict(1_000_000);
    expect(hrtimer.expiresNs).toBe(t0 + 4n * MS);
  });
});

describe("a divide change after a one-shot is over (E3)", () => {
  it("gives one extra interrupt", () => {
    const { timer, hrtimer, vcpu, after } = started(0, DIVIDE_BY[2], 1000);
    after(2000n);
    hrtimer.fire();
    timer.injectPending();
    expect([vcpu.injections, timer.target, timer.period]).toEqual([1, 0n, 2000n]);
    timer.writeTdcr(DIVIDE_BY[4]);
    if (hrtimer.armed) hrtimer.fire();
    timer.injectPending();
    expect(vcpu.injections).toBe(2);
  });

  it("and none when the initial count was cleared first", () => {
    const { timer, hrtimer, vcpu, after } = started(0, DIVIDE_BY[2], 1000);
    after(2000n);
    hrtimer.fire();
    timer.injectPending();
    timer.writeTmict(0);
    timer.writeTdcr(DIVIDE_BY[4]);
    expect([hrtimer.armed, timer.pending, vcpu.injections]).toEqual([false, 0, 1]);
  });

  it("and none while the interrupt is still pending", () => {
    const { timer, hrtimer, after } = started(0, DIVIDE_BY[2], 1000);
    after(2000n);
    hrtimer.fire();
    timer.writeTdcr(DIVIDE_BY[4]);
    expect([hrtimer.armed, timer.pending]).toEqual([false, 1]);
  });
});

describe("mode changes (E4)", () => {
  const TMICT = 0x99_9999;

  it("one-shot to periodic at half keeps counting, then reloads", () => {
    const { timer, hrtimer, after } = started(0, DIVIDE_BY[1], TMICT);
    after(BigInt(TMICT) / 2n);
    timer.writeLvtt(PERIODIC | VECTOR);
    expect(timer.readTmcct()).toBeGreaterThan(TMICT / 2 - 1);
    after(BigInt(TMICT));
    expect(timer.readTmcct()).toBe(0);
    expect(hrtimer.fire()).toBe(true);
    after(BigInt(TMICT) + 10n);
    expect(timer.readTmcct()).toBeGreaterThan(TMICT / 2);
  });

  it("periodic to one-shot keeps counting to 0 and stays there", () => {
    const { timer, hrtimer, after } = started(PERIODIC, DIVIDE_BY[1], TMICT);
    after(BigInt(TMICT) / 2n);
    timer.writeLvtt(VECTOR);
    expect(timer.readTmcct()).toBeGreaterThan(TMICT / 2 - 1);
    after(BigInt(TMICT));
    expect(hrtimer.fire()).toBe(false);
    timer.injectPending();
    expect(timer.readTmcct()).toBe(0);
  });

  it("an expired one-shot made periodic stays at 0", () => {
    const { timer, hrtimer, after } = started(0, DIVIDE_BY[1], TMICT);
    after(BigInt(TMICT));
    hrtimer.fire();
    timer.injectPending();
    timer.writeLvtt(PERIODIC | VECTOR);
    after(BigInt(TMICT) + 5n);
    expect([timer.readTmcct(), hrtimer.armed]).toEqual([0, false]);
  });

  it("into TSC deadline and back clears the initial count and everything armed", () => {
    const { timer, hrtimer } = started(PERIODIC, DIVIDE_BY[1], TMICT);
    timer.writeLvtt(TSC_DEADLINE | VECTOR);
    expect([timer.tmict, timer.period, timer.tscDeadline, hrtimer.armed]).toEqual([0, 0n, 0n, false]);
    timer.writeLvtt(PERIODIC | VECTOR);
    expect([timer.tmict, timer.readTmcct()]).toEqual([0, 0]);
  });

  it("the reserved mode keeps counting to the old target; an initial count is stored and starts nothing", () => {
    const { timer, hrtimer, t0, after } = started(PERIODIC, DIVIDE_BY[1], 1_000_000);
    timer.writeLvtt(RESERVED | VECTOR);
    expect([timer.mode, hrtimer.armed]).toEqual([3, true]);
    timer.writeTmict(500);
    after(400_000n);
    expect([timer.tmict, timer.target, hrtimer.armed]).toEqual([500, t0 + MS, false]);
    expect(timer.readTmcct()).toBe(600_000);
    timer.writeTmict(0);
    expect([timer.period, timer.readTmcct()]).toEqual([MS, 0]);
  });

  it("in the reserved mode each initial count arms the preemption timer for the old deadline", () => {
    const f = started(0, DIVIDE_BY[1], 1_000_000, { rateShift: 5 });
    const deadline = f.timer.tscDeadline;
    f.timer.writeLvtt(RESERVED | VECTOR);
    f.timer.writeTmict(500);
    expect([f.timer.hvInUse, f.timer.tscDeadline, f.hv?.deadline]).toEqual([true, deadline, f.t0 + MS]);
    f.host.moveTo(f.t0 + 2n * MS);
    for (const injections of [1, 2]) {
      f.timer.writeTmict(500);
      expect([f.timer.pending, f.timer.hvInUse, f.timer.expiredTsc]).toEqual([1, false, deadline]);
      f.timer.injectPending();
      expect([f.vcpu.injections, f.timer.tscDeadline]).toEqual([injections, deadline]);
    }
  });

  it("in the reserved mode a block drops an armed timer and unblocking arms it again", () => {
    const f = started(0, DIVIDE_BY[1], 1_000_000, { rateShift: 5 });
    f.timer.writeLvtt(RESERVED | VECTOR);
    f.timer.switchToSw();
    expect([f.timer.hvInUse, f.hrtimer.armed]).toEqual([false, false]);
    f.timer.switchToHv();
    expect([f.timer.hvInUse, f.hv?.deadline]).toEqual([true, f.t0 + MS]);
  });

  it("a running periodic timer moved to the reserved mode expires once more and stops", () => {
    const { timer, hrtimer, after } = started(PERIODIC, DIVIDE_BY[1], 1_000_000);
    timer.writeLvtt(RESERVED | VECTOR);
    after(MS);
    expect(hrtimer.fire()).toBe(false);
    expect(timer.pending).toBe(1);
  });
});

describe("the TSC-deadline register", () => {
  it("is dropped and reads 0 outside its mode and while the APIC is disabled", () => {
    const ignored: unknown[] = [];
    const { timer, vcpu } = fixture({ events: { onIgnored: (write) => ignored.push(write) } });
    timer.writeTscDeadline(5n);
    timer.writeLvtt(TSC_DEADLINE | VECTOR);
    vcpu.hwEnabled = false;
    timer.writeTscDeadline(6n);
    vcpu.hwEnabled = true;
    expect(timer.readTscDeadline()).toBe(0n);
    expect(ignored).toEqual([
      { register: "TSC_DEADLINE", value: 5n },
      { register: "TSC_DEADLINE", value: 6n },
    ]);
  });

  it("written with the current TSC gives exactly one interrupt and reads 0 after it", () => {
    const { timer, vcpu, guest, hrtimer } = started(TSC_DEADLINE, 0, 0);
    timer.writeTscDeadline(guest());
    expect([timer.pending, hrtimer.armed]).toEqual([1, false]);
    expect(timer.readTscDeadline()).toBe(guest());
    timer.injectPending();
    expect([timer.readTscDeadline(), vcpu.injections, timer.pending]).toEqual([0n, 1, 0]);
  });

  it("written 0 disarms", () => {
    const { timer, guest, hrtimer } = started(TSC_DEADLINE, 0, 0);
    timer.writeTscDeadline(guest() + 1000n);
    expect(hrtimer.armed).toBe(true);
    timer.writeTscDeadline(0n);
    expect([hrtimer.armed, timer.pending]).toEqual([false, 0]);
  });

  it("disabling the APIC hides a running deadline, and enabling shows it again", () => {
    const { timer, vcpu, guest } = started(TSC_DEADLINE, 0, 0);
    const deadline = guest() + 1000n;
    timer.writeTscDeadline(deadline);
    vcpu.hwEnabled = false;
    expect(timer.readTscDeadline()).toBe(0n);
    vcpu.hwEnabled = true;
    expect(timer.readTscDeadline()).toBe(deadline);
  });

  it("an initial count written in its mode is not stored", () => {
    const ignored: unknown[] = [];
    const events: Partial<LapicTimerEvents> = { onIgnored: (write) => ignored.push(write) };
    const { timer } = started(TSC_DEADLINE, 0, 0, { events });
    timer.writeTmict(77);
    expect(timer.tmict).toBe(0);
    expect(ignored).toEqual([
      { register: "TMICT", value: 0n },
      { register: "TMICT", value: 77n },
    ]);
  });
});

describe("an expiry while masked (E12)", () => {
  it("stays pending and is injected once after unmasking", () => {
    const { timer, vcpu, hrtimer, after } = started(MASKED, DIVIDE_BY[1], 1000);
    after(1000n);
    hrtimer.fire();
    expect([timer.pending, timer.hasPending(), vcpu.unblocks, vcpu.kicks]).toEqual([1, false, 1, 1]);
    after(10n * MS);
    timer.writeLvtt(VECTOR);
    expect(timer.hasPending()).toBe(true);
    timer.injectPending();
    timer.injectPending();
    expect(vcpu.injections).toBe(1);
  });

  it("leaves the deadline readable until then", () => {
    const { timer, guest } = started(TSC_DEADLINE | MASKED, 0, 0);
    const deadline = guest();
    timer.writeTscDeadline(deadline);
    expect([timer.readTscDeadline(), timer.hasPending()]).toEqual([deadline, false]);
    timer.writeLvtt(TSC_DEADLINE | VECTOR);
    timer.injectPending();
    expect(timer.readTscDeadline()).toBe(0n);
  });

  it.each<[string, (f: ReturnType<typeof started>) => void]>([
    ["a new initial count", ({ timer }) => timer.writeTmict(1000)],
    ["software disable", ({ timer }) => timer.maskLvtt()],
    ["a mode change across TSC deadline", ({ timer }) => timer.writeLvtt(TSC_DEADLINE | VECTOR)],
    ["a reset", ({ timer }) => timer.reset()],
  ])("is discarded by %s", (_title, act) => {
    const f = started(MASKED, DIVIDE_BY[1], 1000);
    f.after(1000n);
    f.hrtimer.fire();
    act(f);
    expect(f.timer.pending).toBe(0);
  });

  it("is not injectable while the APIC is disabled either way", () => {
    const { timer, vcpu, hrtimer, after } = started(0, DIVIDE_BY[1], 1000);
    after(1000n);
    hrtimer.fire();
    vcpu.hwEnabled = false;
    expect(timer.hasPending()).toBe(false);
    vcpu.hwEnabled = true;
    vcpu.swEnabled = false;
    expect(timer.hasPending()).toBe(false);
    vcpu.swEnabled = true;
    expect(timer.hasPending()).toBe(true);
  });

  it("software disable masks and lets the count run on", () => {
    const { timer, hrtimer } = started(PERIODIC, DIVIDE_BY[1], 1_000_000);
    timer.maskLvtt();
    expect([timer.lvtt, hrtimer.armed]).toEqual([PERIODIC | MASKED | VECTOR, true]);
  });
});

describe("a deadline rewritten while the last is pending (E13)", () => {
  it("discards the old expiry", () => {
    const { timer, vcpu, guest, hrtimer } = started(TSC_DEADLINE, 0, 0);
    timer.writeTscDeadline(guest());
    timer.writeTscDeadline(guest() + 1000n);
    expect([timer.pending, hrtimer.armed]).toEqual([0, true]);
    timer.injectPending();
    expect(vcpu.injections).toBe(0);
  });

  it("does not take back a vector already requested", () => {
    const { timer, vcpu, guest } = started(TSC_DEADLINE, 0, 0);
    timer.writeTscDeadline(guest());
    timer.injectPending();
    timer.writeTscDeadline(guest() + 1000n);
    expect(vcpu.irq.deliverable()).toBe(VECTOR);
  });
});

describe("a bus cycle so long that the period is negative (E21)", () => {
  const config = { busCycleNs: 33_554_432n };

  it("a one-shot expires at once", () => {
    const { timer, hrtimer } = started(0, DIVIDE_BY[128], 0xffff_ffff, { config });
    expect([timer.period, timer.pending, hrtimer.armed]).toEqual([-4_294_967_296n, 1, false]);
  });

  it("a periodic timer is limited to 200 µs", () => {
    const { timer } = started(PERIODIC, DIVIDE_BY[128], 0xffff_ffff, { config });
    expect(timer.period).toBe(200_000n);
  });

  it.each([
    [0n, false],
    [1n, true],
    [33_554_432n, true],
    [33_554_433n, false],
  ])("KVM takes a bus cycle of %i ns: %s", (ns, accepted) => {
    expect(busCycleNsAccepted(ns)).toBe(accepted);
  });
});

describe("reset (E22)", () => {
  it("stops a periodic timer; the count reads 0 although target and period survive", () => {
    const { timer, hrtimer, t0 } = started(PERIODIC, DIVIDE_BY[1], 1_000_000);
    timer.reset();
    expect([timer.lvtt, timer.mode, timer.tmict, timer.tdcr, timer.divide]).toEqual([MASKED, 0, 0, 0, 2]);
    expect([hrtimer.armed, timer.period, timer.target]).toEqual([false, MS, t0 + MS]);
    timer.writeLvtt(PERIODIC | VECTOR);
    expect(timer.readTmcct()).toBe(0);
  });

  it.each([
    ["kept", 1],
    ["cleared", 0],
  ] as const)(
    "with the preemption timer's mark %s, a later block latches %i stale expiry",
    (kept, latched) => {
      const { timer, hv, after } = started(PERIODIC, DIVIDE_BY[1], 1_000_000, {
        rateShift: 5,
        config: { hvInUseAfterReset: kept },
      });
      timer.reset();
      expect([timer.hvInUse, hv?.armed]).toEqual([kept === "kept", false]);
      after(2n * MS);
      timer.switchToSw();
      expect(timer.pending).toBe(latched);
    },
  );
});
