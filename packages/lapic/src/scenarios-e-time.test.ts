import type { HostTsc, MonotonicNs } from "@chronovisor/clocksource";
import { HrtimerSystem } from "@chronovisor/hrtimer";
import { describe, expect, it } from "vitest";
import { ApicGuest, type ApicGuestOptions } from "../test/apic-guest.js";
import { FakeHost } from "../test/fake-host.js";
import { type LapicTimerBehaviours, NestedPreemptionTimer } from "./index.js";

/* docs/model/scenarios-lapic, edge cases of time: E6, E9, E19 and E24, driven through the registers of the whole device. */

const LVTT = 0x320;
const TMICT = 0x380;
const TDCR = 0x3e0;
const DIVIDE_BY_1 = 0xb;
const PERIODIC = 0x20000;
const TSC_DEADLINE = 0x40000;
const IA32_TSC_DEADLINE = 0x6e0;
const VECTOR = 0x31;

const US = 1000n;
const MS = 1_000_000n;
/** At 2.5 GHz. */
const CYCLES_PER_MS = 2_500_000n;
const SECOND_OF_CYCLES = 1000n * CYCLES_PER_MS;

describe("a guest's TSC write with a deadline armed (E6)", () => {
  const backends: readonly (readonly [string, ApicGuestOptions])[] = [
    ["the hrtimer", {}],
    ["the preemption timer", { rateShift: 5 }],
  ];

  function moved(by: bigint, options: ApicGuestOptions): ApicGuest {
    const guest = new ApicGuest(options);
    guest.write(LVTT, TSC_DEADLINE | VECTOR);
    guest.apic.wrmsr(IA32_TSC_DEADLINE, guest.guestTsc + 10n * CYCLES_PER_MS);
    guest.runUntil(2n * MS);
    guest.tsc.wrmsrTsc(guest.guestTsc + by, guest.host.now as HostTsc);
    return guest;
  }

  it.each(backends)("%s expires when it was going to, a second forward or back", (_title, options) => {
    for (const by of [SECOND_OF_CYCLES, -SECOND_OF_CYCLES]) {
      const guest = moved(by, options);
      guest.runUntil(20n * MS);
      expect(guest.taken).toEqual([[VECTOR, 10n * MS]]);
      expect(guest.apic.rdmsr(IA32_TSC_DEADLINE)).toBe(0n);
    }
  });

  it("the wait before the entry is bounded by the advance, and tunes nothing by a second", () => {
    const timerConfig = { advance: { kind: "adaptive" } } as const;
    const guest = moved(-SECOND_OF_CYCLES, { timerConfig });
    guest.interrupts = "off";
    guest.runUntil(10n * MS);
    guest.apic.acknowledge();
    expect(guest.apic.waitBeforeEntry()).toEqual({ kind: "cycles", cycles: 2500n });
    expect(guest.apic.timer.advanceNs).toBe(1000);
    const forward = moved(SECOND_OF_CYCLES, { timerConfig });
    forward.interrupts = "off";
    forward.runUntil(10n * MS);
    forward.apic.acknowledge();
    expect(forward.apic.waitBeforeEntry()).toEqual({ kind: "none" });
    expect(forward.apic.timer.advanceNs).toBe(1000);
  });
});

describe("a vCPU that does not run for a while (E9)", () => {
  const v417: Partial<LapicTimerBehaviours> = { periodicAdvance: "resync", hrtimerRearm: "add-period" };
  const v619: Partial<LapicTimerBehaviours> = {
    periodicAdvance: "resync-clamped",
    hrtimerRearm: "set-target",
  };
  const grid = (from: bigint, count: number): bigint[] =>
    Array.from({ length: count }, (_, i) => from + BigInt(i) * MS);

  /** Periodic at 1 kHz; off the CPU from 0.5 ms until `late` after its first expiry. */
  function stopped(timerBehaviours: Partial<LapicTimerBehaviours>, late: bigint): ApicGuest {
    const guest = new ApicGuest({ rateShift: 5, timerBehaviours });
    guest.write(TDCR, DIVIDE_BY_1);
    guest.write(LVTT, PERIODIC | VECTOR);
    guest.write(TMICT, 1_000_000);
    guest.runUntil(500n * US);
    guest.descheduleUntil(MS + late);
    return guest;
  }

  it("since v6.19: two expirations at once, then a grid from there; the preemption timer stays in use", () => {
    const guest = stopped(v619, 3n * MS + 10n * US);
    guest.runUntil(MS + 10n * MS);
    const resumed = MS + 3n * MS + 10n * US;
    expect(guest.expired).toEqual([resumed, ...grid(resumed, 7)]);
    expect(guest.apic.timer.hvInUse).toBe(true);
    expect(guest.taken.length).toBe(8);
  });

  it("from v4.17 to v6.18: every period expires, on the old grid, in software for good", () => {
    const guest = stopped(v417, 3n * MS + 10n * US);
    guest.runUntil(MS + 10n * MS);
    const resumed = MS + 3n * MS + 10n * US;
    expect(guest.expired).toEqual([resumed, resumed, resumed, resumed, ...grid(5n * MS, 7)]);
    expect(guest.expired.length).toBe(10 + 1);
    expect(guest.apic.timer.hvInUse).toBe(false);
    guest.write(TMICT, 1_000_000);
    expect(guest.apic.timer.hvInUse).toBe(true);
  });

  it.each([
    ["v4.17", v417],
    ["v6.19", v619],
  ] as const)("late by less than a period, as of %s: no phase change", (_title, behaviours) => {
    const guest = stopped(behaviours, 400n * US);
    guest.runUntil(5n * MS);
    expect(guest.expired).toEqual([MS + 400n * US, ...grid(2n * MS, 4)]);
  });
});

describe("two vCPUs of one CPU with one target (E19)", () => {
  it("are served in the order they armed, and still are when both were armed again", () => {
    const host = new FakeHost();
    const device = { program: (ns: bigint, force: string) => force === "force" || ns > host.mono };
    const system = new HrtimerSystem({ clock: host, cpus: [{ device }] });
    const order: number[] = [];
    const guests = [0, 1].map(
      (id) =>
        new ApicGuest({
          host,
          id,
          createTimer: (onExpiry) =>
            system.createTimer((timer) => {
              order.push(id);
              return onExpiry(timer);
            }),
        }),
    );
    for (const guest of [...guests].reverse()) {
      guest.write(TDCR, DIVIDE_BY_1);
      guest.write(LVTT, PERIODIC | VECTOR);
      guest.write(TMICT, 1_000_000);
    }
    const start = host.mono;
    for (let period = 1n; period <= 3n; period++) {
      host.moveTo(start + period * MS);
      system.cpu(0).interrupt();
    }
    expect(order).toEqual([1, 0, 1, 0, 1, 0]);
    expect(guests.map(({ apic }) => apic.timer.target)).toEqual([start + 4n * MS, start + 4n * MS]);
  });
});

describe("L1's timer while L2 runs (E24)", () => {
  it("expires and moves on as it does without an L2, and L2's own timer does not notice", () => {
    const at = (guest: ApicGuest) => ({ taken: guest.taken, timer: guest.apic.timer.state() });
    const run = (guest: ApicGuest) => {
      guest.write(TDCR, DIVIDE_BY_1);
      guest.write(LVTT, PERIODIC | VECTOR);
      guest.write(TMICT, 1_000_000);
      guest.runUntil(5n * MS + 100n * US);
      return at(guest);
    };
    const alone = run(new ApicGuest({ rateShift: 5 }));
    const l1 = new ApicGuest({ rateShift: 5 });
    const exits: MonotonicNs[] = [];
    const l2 = new NestedPreemptionTimer({
      clock: l1.host,
      tsc: l1.tsc,
      createTimer: l1.host.createTimer,
      onExpire: () => exits.push(l1.host.mono),
    });
    const entered = l1.host.mono;
    // At the emulated rate of 2^5 cycles: 250 000 are 3.2 ms.
    expect(l2.enter(250_000)).toBe("armed");
    expect(run(l1)).toEqual(alone);
    expect(exits).toEqual([entered + 3_200_000n]);
    expect(alone.taken.length).toBe(5);
  });
});
