import { describe, expect, it } from "vitest";
import { ApicGuest, type ApicGuestOptions } from "../test/apic-guest.js";

/* docs/model/scenarios-lapic, edge cases of delivery: E12 to E17, driven through the registers of the whole device. */

const TPR = 0x80;
const SVR = 0xf0;
const IRR1 = 0x210;
const LVTT = 0x320;
const TMICT = 0x380;
const TMCCT = 0x390;
const TDCR = 0x3e0;
const DIVIDE_BY_1 = 0xb;
const PERIODIC = 0x20000;
const TSC_DEADLINE = 0x40000;
const MASKED = 0x10000;
const IA32_APICBASE = 0x1b;
const IA32_TSC_DEADLINE = 0x6e0;

const US = 1000n;
const MS = 1_000_000n;

/** A guest whose timer counts nanoseconds. */
function started(lvtt: number, tmict: number, options: ApicGuestOptions = {}): ApicGuest {
  const guest = new ApicGuest(options);
  guest.write(TDCR, DIVIDE_BY_1);
  guest.write(LVTT, lvtt);
  guest.write(TMICT, tmict);
  return guest;
}

describe("a masked expiry (E12)", () => {
  it("is one late interrupt after unmasking, however long that takes", () => {
    const guest = started(MASKED | 0x31, 1_000_000);
    guest.runUntil(10n * MS);
    expect([guest.taken, guest.expired]).toEqual([[], [1n * MS]]);
    guest.write(LVTT, 0x31);
    guest.runUntil(20n * MS);
    expect(guest.taken).toEqual([[0x31, 10n * MS]]);
  });

  it("of many periods is still one", () => {
    const guest = started(PERIODIC | MASKED | 0x31, 1_000_000);
    guest.runUntil(10n * MS + 1n);
    guest.write(LVTT, PERIODIC | 0x31);
    guest.pass();
    expect([guest.taken.length, guest.expired.length]).toEqual([1, 10]);
  });

  it("is discarded by software disable, and by a new count", () => {
    for (const discard of [
      (guest: ApicGuest) => {
        guest.write(SVR, 0xff);
        guest.write(SVR, 0x1ff);
      },
      (guest: ApicGuest) => guest.write(TMICT, 0),
    ]) {
      const guest = started(MASKED | 0x31, 1_000_000);
      guest.runUntil(2n * MS);
      discard(guest);
      guest.write(LVTT, 0x31);
      guest.runUntil(5n * MS);
      expect(guest.taken).toEqual([]);
    }
  });
});

describe("a deadline rewritten (E13)", () => {
  function expired(): ApicGuest {
    const guest = new ApicGuest();
    guest.write(LVTT, TSC_DEADLINE | 0x31);
    guest.interrupts = "off";
    guest.apic.wrmsr(IA32_TSC_DEADLINE, guest.guestTsc);
    return guest;
  }

  it("while the old expiry is pending discards that", () => {
    const guest = expired();
    guest.apic.wrmsr(IA32_TSC_DEADLINE, guest.guestTsc + 2_500_000n);
    guest.interrupts = "on";
    guest.runUntil(2n * MS);
    expect(guest.taken).toEqual([[0x31, MS]]);
  });

  it("after it was injected leaves that interrupt, which is then spurious", () => {
    const guest = expired();
    guest.pass();
    expect(guest.apic.rdmsr(IA32_TSC_DEADLINE)).toBe(0n);
    guest.apic.wrmsr(IA32_TSC_DEADLINE, guest.guestTsc + 2_500_000n);
    guest.interrupts = "on";
    guest.runUntil(2n * MS);
    expect(guest.taken).toEqual([
      [0x31, 0n],
      [0x31, MS],
    ]);
  });
});

describe("a handler of three and a half periods (E14)", () => {
  it("ends, and the one interrupt queued behind it begins the next", () => {
    const guest = started(PERIODIC | 0x31, 1_000_000, { handlerNs: 3n * MS + 500n * US });
    guest.runUntil(36n * MS + 1n);
    expect(guest.expired.length).toBe(36);
    // The first at 1 ms, then one per handler: at 4.5 ms, 8 ms, …, 36 ms.
    expect(guest.taken.map(([, ns]) => ns)).toEqual(
      Array.from({ length: 11 }, (_, i) => MS + BigInt(i) * (3n * MS + 500n * US)),
    );
  });

  it("with interrupts off from the start: one, and no second behind it", () => {
    const guest = started(PERIODIC | 0x31, 1_000_000);
    guest.interrupts = "off";
    guest.runUntil(10n * MS);
    guest.interrupts = "on";
    guest.pass();
    expect(guest.taken).toEqual([[0x31, 10n * MS]]);
  });
});

describe("the task priority (E15)", () => {
  it.each([
    [0x2f, 1],
    [0x30, 0],
    [0x31, 0],
    [0x3f, 0],
    [0x40, 0],
  ])("%i lets %i interrupt of vector 0x31 through", (tpr, count) => {
    const guest = started(0x31, 1_000_000);
    guest.write(TPR, tpr);
    guest.runUntil(2n * MS);
    expect(guest.taken.length).toBe(count);
    expect(guest.read(IRR1)).toBe(count === 1 ? 0 : 2 ** 17);
    guest.write(TPR, 0);
    guest.pass();
    expect(guest.taken.length).toBe(1);
  });

  it("that blocks the interrupt lets its expiry end a halt once, and no more", () => {
    const guest = started(0x31, 1_000_000);
    guest.write(TPR, 0x30);
    guest.runUntil(2n * MS);
    expect([guest.unblocks, guest.apic.hasInterrupt(), guest.apic.hasPendingTimer()]).toEqual([
      1,
      false,
      false,
    ]);
    guest.runUntil(100n * MS);
    expect([guest.unblocks, guest.taken.length]).toEqual([1, 0]);
  });
});

describe("a vector below 16 (E16)", () => {
  it.each([0, 8, 15])("%i is requested, and never taken", (vector) => {
    const injected: boolean[] = [];
    const guest = started(PERIODIC | vector, 1_000_000, {
      events: { onInject: (_lvtt, accepted) => injected.push(accepted) },
    });
    guest.runUntil(5n * MS + 1n);
    expect(injected).toEqual([true, true, true, true, true]);
    expect([guest.taken, guest.read(0x200)]).toEqual([[], 2 ** vector]);
  });
});

describe("IA32_APIC_BASE with EN clear in mid-run (E17)", () => {
  it("a one-shot runs on; its interrupt is injected after EN is set again", () => {
    const guest = started(0x31, 1_000_000);
    const { apicBase } = guest.apic;
    guest.runUntil(500n * US);
    expect(guest.apic.wrmsr(IA32_APICBASE, apicBase & ~0x800n)).toBe("ok");
    guest.runUntil(5n * MS);
    expect([guest.expired, guest.taken]).toEqual([[MS], []]);
    expect(guest.apic.wrmsr(IA32_APICBASE, apicBase)).toBe("ok");
    guest.runUntil(6n * MS);
    expect(guest.taken).toEqual([[0x31, 5n * MS]]);
  });

  it("a periodic count goes on where it would have been", () => {
    const guest = started(PERIODIC | 0x31, 1_000_000);
    const { apicBase } = guest.apic;
    guest.apic.wrmsr(IA32_APICBASE, apicBase & ~0x800n);
    guest.runUntil(3n * MS + 400n * US);
    guest.apic.wrmsr(IA32_APICBASE, apicBase);
    expect(guest.read(TMCCT)).toBe(600_000);
  });

  it("a deadline reads 0 meanwhile, and is there again afterwards", () => {
    const guest = new ApicGuest();
    guest.write(LVTT, TSC_DEADLINE | 0x31);
    const deadline = guest.guestTsc + 25_000_000n;
    guest.apic.wrmsr(IA32_TSC_DEADLINE, deadline);
    const { apicBase } = guest.apic;
    guest.apic.wrmsr(IA32_APICBASE, apicBase & ~0x800n);
    guest.apic.wrmsr(IA32_TSC_DEADLINE, 1n);
    expect(guest.apic.rdmsr(IA32_TSC_DEADLINE)).toBe(0n);
    guest.apic.wrmsr(IA32_APICBASE, apicBase);
    expect(guest.apic.rdmsr(IA32_TSC_DEADLINE)).toBe(deadline);
    guest.runUntil(20n * MS);
    expect(guest.taken).toEqual([[0x31, 10n * MS]]);
  });
});
