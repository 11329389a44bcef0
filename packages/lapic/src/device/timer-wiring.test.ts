import { VcpuTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { FakeHost } from "../../test/fake-host.js";
import { OneApic, WatchedVcpu } from "../../test/one-apic.js";
import { LocalApic, type LocalApicOptions, PreemptionTimer, type TimerExpiry } from "../index.js";

const SVR = 0xf0;
const LVTT = 0x320;
const TMICT = 0x380;
const VECTOR = 0xec;
const PERIODIC = 0x2_0000;
const DEADLINE = 0x4_0000;

/** An APIC in xAPIC mode on a 1 GHz host, with what a test adds. */
function machine(rest: Partial<LocalApicOptions> = {}) {
  const host = new FakeHost({ khz: 1_000_000 });
  const vcpu = Object.assign(new WatchedVcpu(), {
    inGuestMode: false,
    canPostTimerInterrupt: false,
    spun: [] as bigint[],
  });
  const tsc = new VcpuTsc({ hostTscKhz: 1_000_000, userTscKhz: 1_000_000, vendor: "vmx" });
  const apic = new LocalApic({ id: 0, clock: host, tsc, createTimer: host.createTimer, vcpu, ...rest });
  apic.write(SVR, 0x1ffn, 4);
  const expire = (): void => {
    const [timer] = host.timers;
    if (timer?.armed !== true) throw new Error("nothing is armed");
    host.moveTo(timer.expiresNs);
    timer.fire();
  };
  return { host, vcpu, tsc, apic, expire };
}

describe("a guest's timer", () => {
  it.each(["xapic", "x2apic"] as const)("ticks through LVTT, IRR and ISR (%s)", (mode) => {
    const one = new OneApic({ mode });
    one.write(0x3e0, 0xb);
    one.write(LVTT, PERIODIC | VECTOR);
    one.write(TMICT, 1_000_000);
    const from = one.host.mono;
    const at: bigint[] = [];
    for (let tick = 0; tick < 3; tick++) {
      one.host.moveTo(one.timer.expiresNs);
      one.timer.fire();
      expect(one.apic.injectPendingTimer()).toBe(true);
      expect(one.apic.acknowledge()).toBe(VECTOR);
      one.write(0xb0, 0);
      at.push(one.host.mono - from);
    }
    expect(at).toEqual([1_000_000n, 2_000_000n, 3_000_000n]);
  });

  it("wakes and kicks, and waits until the run loop injects it", () => {
    const one = new OneApic();
    one.write(LVTT, VECTOR);
    one.write(TMICT, 1000);
    one.host.moveTo(one.timer.expiresNs);
    one.timer.fire();
    expect([one.vcpu.kicks, one.apic.hasPendingTimer(), one.apic.hasInterrupt()]).toEqual([1, true, false]);
    expect([one.apic.injectPendingTimer(), one.apic.injectPendingTimer()]).toEqual([true, false]);
  });

  it("is dropped by a software disable, and not injected while there is no vector for it (E12)", () => {
    const one = new OneApic();
    one.write(LVTT, VECTOR);
    one.write(TMICT, 1000);
    one.host.moveTo(one.timer.expiresNs);
    one.timer.fire();
    one.write(SVR, 0xff);
    one.write(SVR, 0x1ff);
    one.write(LVTT, VECTOR);
    expect(one.apic.injectPendingTimer()).toBe(false);
  });
});

describe("the preemption timer behind an APIC", () => {
  it("is used when there is one and given up before a halt", () => {
    const { host, tsc } = machine();
    const preemptionTimer = new PreemptionTimer({ clock: host, tsc, rateShift: 5 });
    const m = machine({ clock: host, tsc, createTimer: host.createTimer, preemptionTimer });
    m.apic.write(LVTT, BigInt(DEADLINE | VECTOR), 4);
    m.apic.wrmsr(0x6e0, host.now + 1_000_000n);
    expect([m.apic.timer.hvInUse, preemptionTimer.deadline]).toEqual([true, host.now + 1_000_000n]);
    m.apic.timer.switchToSw();
    expect([m.apic.timer.hvInUse, preemptionTimer.armed]).toEqual([false, false]);
  });

  it("is left alone where the processor says it cannot be used", () => {
    const { host, tsc } = machine();
    const preemptionTimer = new PreemptionTimer({ clock: host, tsc, rateShift: 5 });
    const vcpu = { canUseHvTimer: false };
    const m = machine({ clock: host, tsc, createTimer: host.createTimer, preemptionTimer, vcpu });
    m.apic.write(TMICT, 1000n, 4);
    expect([m.apic.timer.hvInUse, preemptionTimer.armed]).toEqual([false, false]);
  });

  it("survives a copy of the APIC", () => {
    const { host, tsc } = machine();
    const preemptionTimer = new PreemptionTimer({ clock: host, tsc, rateShift: 5 });
    const options = { id: 0, clock: host, tsc, createTimer: host.createTimer, preemptionTimer };
    const apic = new LocalApic(options);
    apic.write(TMICT, 1_000_000n, 4);
    const copy = LocalApic.fromState(apic.state(), options);
    expect([copy.timer.hvInUse, preemptionTimer.armed]).toEqual([true, true]);
  });
});

describe("the wait before an entry", () => {
  const advanced = { timerConfig: { advance: { kind: "fixed", ns: 1000 } } } as const;

  /** A deadline timer that fired 1000 ns early, its vector taken or not. */
  function early(taken: "taken" | "waiting", apicv: "on" | "off") {
    const m = machine(advanced);
    m.vcpu.apicvActive = apicv === "on";
    m.apic.write(LVTT, BigInt(DEADLINE | VECTOR), 4);
    m.apic.wrmsr(0x6e0, m.host.now + 1_000_000n);
    m.expire();
    m.apic.injectPendingTimer();
    if (taken === "taken") m.apic.acknowledge();
    return m.apic.waitBeforeEntry();
  }

  it.each([
    ["taken", "off", { kind: "cycles", cycles: 1000n }],
    ["waiting", "off", { kind: "none" }],
    ["waiting", "on", { kind: "cycles", cycles: 1000n }],
    ["taken", "on", { kind: "none" }],
  ] as const)("is right with the vector %s and APICv %s", (taken, apicv, wait) => {
    expect(early(taken, apicv)).toEqual(wait);
  });
});

describe("posted expiries", () => {
  it("reach a running guest without a pass of the run loop", () => {
    const m = machine({ timerBehaviours: { timerPlacement: "posted" } });
    Object.assign(m.vcpu, { apicvActive: true, canPostTimerInterrupt: true, inGuestMode: true });
    m.apic.write(LVTT, BigInt(VECTOR), 4);
    m.apic.write(TMICT, 1000n, 4);
    m.expire();
    expect([m.apic.hasPendingTimer(), m.vcpu.notifications, m.vcpu.kicks]).toEqual([false, 1, 0]);
    expect(m.apic.acknowledge()).toBe(VECTOR);
  });

  it("go the other way once the guest renumbered its APIC", () => {
    const m = machine({ timerBehaviours: { timerPlacement: "posted" } });
    Object.assign(m.vcpu, { apicvActive: true, canPostTimerInterrupt: true, inGuestMode: true });
    m.apic.write(0x20, 0x0900_0000n, 4);
    m.apic.write(LVTT, BigInt(VECTOR), 4);
    m.apic.write(TMICT, 1000n, 4);
    m.expire();
    expect([m.apic.hasPendingTimer(), m.vcpu.notifications]).toEqual([true, 0]);
  });
});

describe("the timer's events", () => {
  it("reach an object whose handlers are a class's", () => {
    class Watcher {
      readonly expiries: TimerExpiry[] = [];
      onExpire(expiry: TimerExpiry): void {
        this.expiries.push(expiry);
      }
    }
    const timer = new Watcher();
    const m = machine({ events: { timer } });
    m.apic.write(TMICT, 1000n, 4);
    m.expire();
    expect(timer.expiries).toEqual([{ source: "callback", outcome: "pending" }]);
  });
});
