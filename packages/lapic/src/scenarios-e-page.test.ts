import { describe, expect, it } from "vitest";
import { ApicGuest, type ApicGuestOptions } from "../test/apic-guest.js";

/* docs/model/scenarios-lapic, edge cases of the saved page and of resets: E1, E4, E5 and E22, through the whole device. */

const SVR = 0xf0;
const LVTT = 0x320;
const TMICT = 0x380;
const TMCCT = 0x390;
const TDCR = 0x3e0;
const DIVIDE_BY_1 = 0xb;
const DIVIDE_BY_2 = 0x0;
const DIVIDE_BY_16 = 0x3;
const DIVIDE_BY_128 = 0xa;
const PERIODIC = 0x20000;
const TSC_DEADLINE = 0x40000;
const MASKED = 0x10000;
const VECTOR = 0x31;
const IA32_TSC_DEADLINE = 0x6e0;

const MS = 1_000_000n;

interface Timer {
  readonly lvtt: number;
  readonly tdcr: number;
  readonly tmict: number;
}

function started({ lvtt, tdcr, tmict }: Timer, options: ApicGuestOptions = {}): ApicGuest {
  const guest = new ApicGuest(options);
  guest.write(TDCR, tdcr);
  guest.write(LVTT, lvtt);
  guest.write(TMICT, tmict);
  return guest;
}

/** The page with dwords replaced. */
function patched(
  page: Uint8Array,
  ...dwords: readonly (readonly [offset: number, value: number])[]
): Uint8Array {
  const copy = page.slice();
  for (const [offset, value] of dwords) new DataView(copy.buffer).setUint32(offset, value, true);
  return copy;
}
const dword = (page: Uint8Array, offset: number): number => new DataView(page.buffer).getUint32(offset, true);

describe("migration in mid-period (E5)", () => {
  const LEFT = 5_999_876n;

  it.each([
    [DIVIDE_BY_1, 1n, 10_000_000, LEFT],
    [DIVIDE_BY_16, 1n, 625_000, LEFT - 4n],
    [DIVIDE_BY_128, 1n, 78_125, LEFT - 4n],
    [DIVIDE_BY_128, 40n, 1_953, LEFT - 4356n],
  ])(
    "divisor %i, bus cycle %i ns: the first tick comes after what was left, in whole counts",
    (tdcr, busCycleNs, tmict, left) => {
      const source = started({ lvtt: PERIODIC | VECTOR, tdcr, tmict }, { timerConfig: { busCycleNs } });
      const { period } = source.apic.timer;
      source.runUntil(period - LEFT);
      const page = source.apic.toPage();
      const target = new ApicGuest({ timerConfig: { busCycleNs } });
      target.runUntil(250n * MS);
      expect(target.apic.fromPage(page)).toBe("ok");
      target.runUntil(250n * MS + 3n * period);
      expect(target.taken.map(([, ns]) => ns - 250n * MS)).toEqual([left, left + period, left + 2n * period]);
    },
  );

  it.each([
    ["periodic: a full period", PERIODIC | VECTOR, 10n * MS],
    ["one-shot: an interrupt at once, for one that was delivered as well", VECTOR, 0n],
  ])("a saved count of 0, %s", (_title, lvtt, first) => {
    const source = started({ lvtt, tdcr: DIVIDE_BY_1, tmict: 10_000_000 });
    source.runUntil(10n * MS);
    const target = new ApicGuest();
    target.apic.fromPage(patched(source.apic.toPage(), [TMCCT, 0]));
    target.runUntil(10n * MS);
    expect(target.taken).toEqual([[VECTOR, first]]);
  });

  it("a saved count above the initial one starts from that", () => {
    const source = started({ lvtt: PERIODIC | VECTOR, tdcr: DIVIDE_BY_1, tmict: 10_000_000 });
    const target = new ApicGuest();
    target.apic.fromPage(patched(source.apic.toPage(), [TMCCT, 20_000_000]));
    target.runUntil(25n * MS);
    expect(target.taken.map(([, ns]) => ns)).toEqual([10n * MS, 20n * MS]);
  });

  it("a periodic timer restored onto a vCPU in TSC-deadline mode is dead", () => {
    const source = started({ lvtt: PERIODIC | VECTOR, tdcr: DIVIDE_BY_1, tmict: 10_000_000 });
    const target = new ApicGuest();
    target.write(LVTT, TSC_DEADLINE | VECTOR);
    target.apic.fromPage(source.apic.toPage());
    expect([target.read(LVTT), target.read(TMICT), target.read(TMCCT)]).toEqual([PERIODIC | VECTOR, 0, 0]);
    target.runUntil(50n * MS);
    expect(target.taken).toEqual([]);
  });

  it("a deadline counts only after the page that says its mode", () => {
    const source = new ApicGuest();
    source.write(LVTT, TSC_DEADLINE | VECTOR);
    const target = new ApicGuest();
    const deadline = target.guestTsc + 2_500_000n;
    target.apic.wrmsr(IA32_TSC_DEADLINE, deadline);
    target.apic.fromPage(source.apic.toPage());
    expect(target.apic.rdmsr(IA32_TSC_DEADLINE)).toBe(0n);
    target.apic.wrmsr(IA32_TSC_DEADLINE, deadline);
    target.runUntil(2n * MS);
    expect(target.taken).toEqual([[VECTOR, MS]]);
  });

  it.each([
    ["one-shot: its interrupt comes again", VECTOR, [[VECTOR, 0n]]],
    ["periodic: lost, the next tick is a period away", PERIODIC | VECTOR, [[VECTOR, 10n * MS]]],
  ] as const)("an expiry that was pending, %s", (_title, lvtt, taken) => {
    const source = started({ lvtt: lvtt | MASKED, tdcr: DIVIDE_BY_1, tmict: 10_000_000 });
    source.runUntil(10n * MS);
    expect(source.apic.timer.pending).toBe(1);
    const target = new ApicGuest();
    target.apic.fromPage(patched(source.apic.toPage(), [LVTT, lvtt]));
    target.runUntil(10n * MS);
    expect(target.taken).toEqual(taken);
  });
});

describe("the minimum period (E1)", () => {
  it("makes the count of a short period begin above its initial count, at 5 kHz", () => {
    const guest = started({ lvtt: PERIODIC | VECTOR, tdcr: DIVIDE_BY_1, tmict: 1000 });
    guest.runUntil(1000n);
    expect([guest.read(TMCCT), guest.read(TMICT)]).toEqual([199_000, 1000]);
    guest.runUntil(MS + 1n);
    expect(guest.taken.map(([, ns]) => ns)).toEqual([200_000n, 400_000n, 600_000n, 800_000n, MS]);
  });

  it("leaves a saved count above the initial count as it is", () => {
    const guest = started({ lvtt: PERIODIC | VECTOR, tdcr: DIVIDE_BY_1, tmict: 1000 });
    guest.runUntil(1000n);
    const page = guest.apic.toPage();
    expect(dword(page, TMCCT)).toBe(199_000);
    const target = new ApicGuest();
    target.apic.fromPage(page);
    expect(target.read(TMCCT)).toBe(199_000);
  });
});

describe("mode changes (E4)", () => {
  const COUNT = 0x999999;
  /** At ÷2, in ns. */
  const PERIOD = 2n * BigInt(COUNT);

  it("keep the count between one-shot and periodic, and end it across TSC deadline", () => {
    const guest = started({ lvtt: VECTOR, tdcr: DIVIDE_BY_2, tmict: COUNT });
    guest.runUntil(PERIOD / 2n);
    const half = guest.read(TMCCT);
    guest.write(LVTT, PERIODIC | VECTOR);
    expect(guest.read(TMCCT)).toBe(half);
    guest.runUntil(PERIOD + PERIOD / 4n);
    expect(guest.read(TMCCT)).toBeGreaterThan(half);
    guest.write(LVTT, VECTOR);
    guest.runUntil(3n * PERIOD);
    expect([guest.taken.length, guest.read(TMCCT)]).toEqual([2, 0]);
    guest.write(LVTT, PERIODIC | VECTOR);
    guest.runUntil(5n * PERIOD);
    expect([guest.taken.length, guest.read(TMCCT), guest.read(TMICT)]).toEqual([2, 0, COUNT]);
    guest.write(LVTT, TSC_DEADLINE | VECTOR);
    guest.write(LVTT, VECTOR);
    expect([guest.read(TMICT), guest.read(TMCCT)]).toEqual([0, 0]);
  });
});

describe("INIT in mid-period (E22)", () => {
  it("stops the ticks; LVTT open again without a new initial count counts nothing", () => {
    const guest = started({ lvtt: PERIODIC | VECTOR, tdcr: DIVIDE_BY_1, tmict: 1_000_000 });
    guest.runUntil(2n * MS + 1n);
    guest.apic.reset("init");
    expect([guest.read(SVR), guest.read(LVTT), guest.read(TMICT), guest.read(TDCR)]).toEqual([
      0xff,
      MASKED,
      0,
      0,
    ]);
    guest.runUntil(10n * MS);
    guest.write(SVR, 0x1ff);
    guest.write(LVTT, PERIODIC | VECTOR);
    guest.runUntil(20n * MS);
    expect([guest.taken.length, guest.read(TMCCT)]).toEqual([2, 0]);
  });
});
