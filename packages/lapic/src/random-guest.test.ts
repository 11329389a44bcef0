import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RandomVm, type Step, steps } from "../test/random-guest.js";
import { LocalApic } from "./index.js";

const TPR = 0x80;
const ISR = 0x100;
const TMR = 0x180;
const IRR = 0x200;
const TMCCT = 0x390;
const PPR = 0xa0;
/** All but LINT0, which a reset leaves open for the PIC, and CMCI, which may not be there. */
const LVTS_MASKED_WHILE_DISABLED = [0x320, 0x330, 0x340, 0x360, 0x370];

/** What each register may hold that only guests have written, by offset; what is not listed is free or a gap. */
const STORABLE: readonly (readonly [offset: number, mask: number])[] = [
  [0x80, 0xff],
  [0x90, 0],
  [0xb0, 0],
  [0xc0, 0],
  [0xf0, 0x13ff],
  // Errors, which only the manual's behaviour gathers.
  [0x280, 0xff],
  [0x2f0, 0x117ff],
  [0x320, 0x710ff],
  [0x330, 0x117ff],
  [0x340, 0x117ff],
  [0x350, 0x1f7ff],
  [0x360, 0x1f7ff],
  [0x370, 0x110ff],
  [0x3e0, 0xb],
];

const configs = fc.record({
  ioapic: fc.constantFrom("kernel" as const, "split" as const),
  cmciSupported: fc.boolean(),
  tscDeadlineSupported: fc.boolean(),
  mmioHole: fc.constantFrom("on" as const, "off" as const),
  idFormat: fc.constantFrom("8-bit" as const, "32-bit" as const),
});

const extras = fc.record({
  delivery: fc.constantFrom("by KVM" as const, "posted" as const),
  authority: fc.constantFrom("kvm" as const, "sdm" as const),
});

// Twenty runs of a thousand steps by default, and a thousand where the other properties have ten times their cases.
const numRuns = (fc.readConfigureGlobal().numRuns ?? 0) >= 1000 ? 1000 : 20;
const runs = fc.array(steps, { minLength: 1000, maxLength: 1000, size: "max" });
const STEPS_PER_CHECK = 20;

const dwordsOf = (page: Uint8Array): ((offset: number) => number) => {
  const view = new DataView(page.buffer);
  return (offset) => view.getUint32(offset, true);
};

/** The highest vector of the eight words at `first`, tried one by one; 0 for none. */
function highest(dword: (offset: number) => number, first: number): number {
  for (let vector = 255; vector >= 0; vector--) {
    if ((dword(first + 16 * (vector >> 5)) >>> (vector & 31)) & 1) return vector;
  }
  return 0;
}

/** docs/model/lapic §3, from the saved page. */
function takeableOf(apic: LocalApic): boolean {
  const dword = dwordsOf(apic.toPage());
  const tpr = dword(TPR) & 0xff;
  const inService = highest(dword, ISR) & 0xf0;
  const ppr = (tpr & 0xf0) >= inService ? tpr : inService;
  return apic.hwEnabled && (highest(dword, IRR) & 0xf0) > ppr;
}

/** What holds of an APIC at every moment. */
function expectConsistent(vm: RandomVm, apic: LocalApic): void {
  expect(apic.hasInterrupt()).toBe(takeableOf(apic));
  expect(apic.cr8).toBe(apic.tpr >> 4);
  const { timer } = apic;
  expect(timer.pending === 0 || timer.pending === 1).toBe(true);
  expect(timer.mode).toBe((timer.lvtt & timer.modeMask) >>> 17);
  if (timer.mode === 2 || timer.tmict === 0) expect(timer.readTmcct()).toBe(0);
  if (timer.mode === 1) expect(timer.period === 0n || timer.period >= 200_000n).toBe(true);
  if (vm.pages === "restored") return;
  const dword = dwordsOf(apic.toPage());
  const unstorable = STORABLE.map(([offset, mask]) => [offset, dword(offset) & ~mask] as const);
  expect(unstorable.filter(([, bits]) => bits !== 0)).toEqual([]);
  const open = LVTS_MASKED_WHILE_DISABLED.filter((offset) => (dword(offset) & 0x10000) === 0);
  if (!apic.swEnabled) expect(open).toEqual([]);
}

function run(vm: RandomVm, taken: readonly Step[], check: () => void): void {
  taken.forEach(({ act }, index) => {
    act(vm);
    if (index % STEPS_PER_CHECK === 0) check();
  });
  check();
}

describe("whatever a guest, its host and its devices do", () => {
  it("nothing throws, and the registers agree with each other", () => {
    fc.assert(
      fc.property(configs, extras, runs, (config, extra, taken) => {
        const vm = new RandomVm(config, extra);
        run(vm, taken, () => {
          for (const apic of vm.apics) expectConsistent(vm, apic);
        });
      }),
      { numRuns },
    );
  }, 1_200_000);

  it("an APIC goes on from its state as it would have gone on", () => {
    fc.assert(
      fc.property(configs, extras, runs, (config, extra, taken) => {
        const vm = new RandomVm(config, extra);
        run(vm, taken, () => {});
        for (const [index, apic] of vm.apics.entries()) {
          const options = vm.options[index];
          if (options === undefined) throw new Error("an APIC without options");
          const state = apic.state();
          const restored = LocalApic.fromState(JSON.parse(JSON.stringify(state)), options);
          expect(restored.state()).toEqual(state);
          expect(restored.toPage()).toEqual(apic.toPage());
        }
      }),
      { numRuns: 10 },
    );
  });

  it("a saved page restores to itself, but for what restoring computes", () => {
    fc.assert(
      fc.property(configs, extras, runs, (config, extra, taken) => {
        const vm = new RandomVm(config, extra);
        run(vm, taken, () => {});
        for (const apic of vm.apics) {
          const saved = dwordsOf(apic.toPage());
          expect(apic.fromPage(apic.toPage())).toBe("ok");
          const again = dwordsOf(apic.toPage());
          for (let offset = 0; offset < 1024; offset += 4) {
            if (offset === TMCCT || offset === PPR) continue;
            expect([offset, again(offset)]).toEqual([offset, saved(offset)]);
          }
        }
      }),
      { numRuns: 10 },
    );
  });

  it("an access that is answered with a fault is reported as one, and no other", () => {
    const access = fc.record({
      msr: fc.oneof(fc.integer({ min: 0x800, max: 0x8ff }), fc.constantFrom(0x1b, 0x6e0)),
      value: fc.oneof(
        fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.constantFrom(0n, 0xfee0_0800n, 0xfee0_0c00n),
      ),
      kind: fc.constantFrom("read" as const, "write" as const),
    });
    fc.assert(
      fc.property(configs, fc.array(access, { minLength: 40, maxLength: 40 }), (config, accesses) => {
        const vm = new RandomVm(config);
        const apic = vm.apic(0);
        for (const { msr, value, kind } of accesses) {
          vm.takeBad();
          const before = apic.state();
          const faulted =
            kind === "read" ? apic.rdmsr(msr) === undefined : apic.wrmsr(msr, value) === "fault";
          const faults = vm.takeBad().filter(({ outcome }) => outcome === "fault");
          expect(faults.length).toBe(faulted ? 1 : 0);
          if (!faulted) continue;
          expect(faults).toMatchObject([{ kind, through: "msr", address: msr }]);
          expect(apic.state()).toEqual(before);
        }
      }),
    );
  });
});

describe("TMR", () => {
  it("holds what was accepted last, for every vector", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(255), fc.constantFrom("edge" as const, "level" as const))),
        (interrupts) => {
          const apic = new RandomVm({}).apic(0);
          apic.write(0xf0, 0x1ffn, 4);
          const last = new Map<number, string>();
          for (const [vector, trigger] of interrupts) {
            apic.accept({ vector, deliveryMode: 0, level: "asserted", trigger });
            last.set(vector, trigger);
          }
          const dword = dwordsOf(apic.toPage());
          for (const [vector, trigger] of last) {
            const bit = (dword(TMR + 16 * (vector >> 5)) >>> (vector & 31)) & 1;
            expect([vector, bit]).toEqual([vector, trigger === "level" ? 1 : 0]);
          }
        },
      ),
    );
  });
});
