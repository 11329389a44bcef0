import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApicVm } from "../../test/apic-vm.js";
import { FakeApic } from "../../test/fake-apic.js";
import { naiveTargets } from "../../test/naive-bus.js";
import type { ApicBusOptions } from "../index.js";

// Offsets and MSRs by the manual, not by the source.
const ID = 0x20;
const TPR = 0x80;
const EOI = 0xb0;
const LDR = 0xd0;
const DFR = 0xe0;
const SVR = 0xf0;
const ICR = 0x300;
const ICR2 = 0x310;
const MSR_APICBASE = 0x1b;
const MSR_SVR = 0x80f;
const MSR_EOI = 0x80b;
const MSR_ICR = 0x830;
const MSR_SELF_IPI = 0x83f;

const ENABLED = 0x1ffn;
const X2APIC_BASE = 0xfee0_0c00n;
const ASSERT = 1n << 14n;
const LOGICAL = 1n << 11n;
const LOWEST = 1n << 8n;
const NMI = 4n << 8n;
const INIT = 5n << 8n;
const SIPI = 6n << 8n;
const ALL = 2n << 18n;
const ALL_BUT_SELF = 3n << 18n;

/** `n` software-enabled xAPICs. */
function xapicVm(n: number, bus: ApicBusOptions = {}): ApicVm {
  const vm = new ApicVm(n, { bus });
  for (const { apic } of vm.vcpus) apic.write(SVR, ENABLED, 4);
  return vm;
}

/** Software-enabled x2APICs. */
function x2apicVm(ids: number | readonly number[], bus: ApicBusOptions = {}): ApicVm {
  const vm = new ApicVm(ids, { bus });
  for (const { apic } of vm.vcpus) {
    apic.wrmsr(MSR_APICBASE, X2APIC_BASE | (apic.rdmsr(MSR_APICBASE) ?? 0n));
    apic.wrmsr(MSR_SVR, ENABLED);
  }
  return vm;
}

/** An IPI from an xAPIC: the destination first, then the word that sends. */
function sendIpi(vm: ApicVm, from: number, icr: bigint, destination = 0): void {
  vm.apic(from).write(ICR2, BigInt(destination * 2 ** 24), 4);
  vm.apic(from).write(ICR, icr, 4);
}

const x2Icr = (icr: bigint, destination = 0): bigint => (BigInt(destination) << 32n) | icr;
const positions = (taken: readonly (readonly [number, number])[]): readonly number[] =>
  taken.map(([at]) => at);

describe("starting a processor", () => {
  it("takes INIT, SIPI, SIPI: the second SIPI finds it running", () => {
    const vm = xapicVm(2);
    sendIpi(vm, 0, INIT | ASSERT, 1);
    expect(vm.apic(1).hasPendingEvents).toBe(true);
    vm.acceptEvents();
    expect([vm.at(1).inits, vm.apic(1).runState]).toEqual([1, "init-received"]);
    for (let i = 0; i < 2; i++) {
      sendIpi(vm, 0, SIPI | ASSERT | 0x9an, 1);
      vm.acceptEvents();
    }
    expect([vm.at(1).startedAt, vm.apic(1).runState]).toEqual([[0x9a], "runnable"]);
    expect([vm.at(0).inits, vm.at(0).startedAt]).toEqual([0, []]);
  });

  it("is the same in one pass: INIT is looked at before SIPI", () => {
    const vm = xapicVm(2);
    sendIpi(vm, 0, INIT | ASSERT, 1);
    sendIpi(vm, 0, SIPI | ASSERT | 0x10n, 1);
    sendIpi(vm, 0, SIPI | ASSERT | 0x20n, 1);
    vm.acceptEvents();
    expect(vm.at(1).startedAt).toEqual([0x20]);
  });

  it("an INIT after a SIPI that nobody looked at replaces it", () => {
    const vm = xapicVm(2);
    sendIpi(vm, 0, INIT | ASSERT, 1);
    sendIpi(vm, 0, SIPI | ASSERT | 0x10n, 1);
    sendIpi(vm, 0, INIT | ASSERT, 1);
    vm.acceptEvents();
    expect([vm.at(1).inits, vm.at(1).startedAt, vm.apic(1).runState]).toEqual([1, [], "init-received"]);
  });

  it("a SIPI without INIT has no effect, and neither has the deassert of INIT", () => {
    const vm = xapicVm(2);
    sendIpi(vm, 0, SIPI | ASSERT | 0x10n, 1);
    vm.acceptEvents();
    sendIpi(vm, 0, INIT | (1n << 15n), 1);
    vm.acceptEvents();
    expect([vm.at(1).inits, vm.at(1).startedAt]).toEqual([0, []]);
  });

  it("by broadcast starts every other one of 300", () => {
    const vm = x2apicVm(300);
    vm.apic(0).wrmsr(MSR_ICR, INIT | ASSERT | ALL_BUT_SELF);
    vm.acceptEvents();
    vm.apic(0).wrmsr(MSR_ICR, SIPI | ASSERT | ALL_BUT_SELF | 0x8n);
    vm.acceptEvents();
    expect(vm.vcpus.map(({ startedAt }) => startedAt.length)).toEqual([0, ...Array(299).fill(1)]);
    expect(vm.apic(0).runState).toBe("runnable");
  });

  it("INIT puts the registers back but for the ID, and keeps the mode", () => {
    const vm = xapicVm(2);
    vm.apic(1).write(ID, 0x0700_0000n, 4);
    vm.apic(1).write(TPR, 0x30n, 4);
    vm.apic(1).write(LDR, 0x0200_0000n, 4);
    sendIpi(vm, 0, INIT | ASSERT, 7);
    vm.acceptEvents();
    expect([ID, TPR, LDR, SVR].map((offset) => vm.apic(1).read(offset, 4))).toEqual([
      0x0700_0000n,
      0n,
      0n,
      0xffn,
    ]);
    expect(vm.apic(1).mode).toBe("xapic");
  });

  it("INIT leaves an x2APIC its ID and LDR", () => {
    const vm = x2apicVm([0, 37]);
    vm.apic(0).wrmsr(MSR_ICR, x2Icr(INIT | ASSERT, 37));
    vm.acceptEvents();
    expect([vm.apic(1).rdmsr(0x802), vm.apic(1).rdmsr(0x80d), vm.apic(1).mode]).toEqual([
      37n,
      0x2_0020n,
      "x2apic",
    ]);
  });
});

describe("an inter-processor interrupt", () => {
  it("is requested, taken and ended on its target", () => {
    const vm = xapicVm(2);
    sendIpi(vm, 0, 0x41n, 1);
    sendIpi(vm, 0, 0x51n, 1);
    expect(vm.acknowledged()).toEqual([[1, 0x51]]);
    expect(vm.acknowledged()).toEqual([]);
    vm.apic(1).write(EOI, 0n, 4);
    expect(vm.acknowledged()).toEqual([[1, 0x41]]);
    expect(vm.apic(0).read(ICR, 4)).toBe(0x51n);
  });

  it("is answered from inside: each of 300 passes it on", () => {
    const vm = x2apicVm(300);
    const visited: number[] = [];
    vm.apic(0).wrmsr(MSR_ICR, x2Icr(0x41n, 1));
    for (let taken = vm.acknowledged(); taken.length > 0; taken = vm.acknowledged()) {
      for (const [at] of taken) {
        visited.push(at);
        vm.apic(at).wrmsr(MSR_EOI, 0n);
        if (at < 299) vm.apic(at).wrmsr(MSR_ICR, x2Icr(0x41n, at + 1));
      }
    }
    expect(visited).toEqual(Array.from({ length: 299 }, (_, i) => i + 1));
  });

  it.each([
    ["itself, by shorthand", 1n << 18n, [1]],
    ["all", ALL, [0, 1, 2]],
    ["all but itself", ALL_BUT_SELF, [0, 2]],
  ])("reaches %s", (_, shorthand, reached) => {
    const vm = xapicVm(3);
    sendIpi(vm, 1, 0x41n | shorthand, 2);
    expect(positions(vm.acknowledged())).toEqual(reached);
  });

  it("by SELF IPI reaches its sender and leaves ICR alone", () => {
    const vm = x2apicVm(2);
    expect(vm.apic(1).wrmsr(MSR_SELF_IPI, 0x41n)).toBe("ok");
    expect(vm.apic(1).wrmsr(MSR_SELF_IPI, 0x141n)).toBe("fault");
    expect(vm.acknowledged()).toEqual([[1, 0x41]]);
    expect(vm.apic(1).rdmsr(MSR_ICR)).toBe(0n);
  });

  it("is discarded by a software-disabled target, which an NMI still reaches", () => {
    const vm = xapicVm(2);
    vm.apic(1).write(SVR, 0xffn, 4);
    sendIpi(vm, 0, 0x41n, 1);
    sendIpi(vm, 0, NMI | ASSERT, 1);
    vm.apic(1).write(SVR, ENABLED, 4);
    expect([vm.acknowledged(), vm.at(1).nmis]).toEqual([[], 1]);
  });

  it("does not reach a disabled APIC, an NMI neither", () => {
    const vm = xapicVm(2);
    vm.apic(1).wrmsr(MSR_APICBASE, 0xfee0_0000n);
    sendIpi(vm, 0, NMI | ASSERT | ALL);
    expect([vm.at(0).nmis, vm.at(1).nmis]).toEqual([1, 0]);
    vm.apic(1).wrmsr(MSR_APICBASE, 0xfee0_0800n);
    sendIpi(vm, 0, NMI | ASSERT | ALL);
    expect(vm.at(1).nmis).toBe(1);
  });

  it("level-triggered and deasserted is discarded", () => {
    const vm = xapicVm(2);
    sendIpi(vm, 0, 0x41n | (1n << 15n), 1);
    expect(vm.acknowledged()).toEqual([]);
    sendIpi(vm, 0, 0x41n | (1n << 15n) | ASSERT, 1);
    expect(vm.acknowledged()).toEqual([[1, 0x41]]);
  });

  it("follows the xAPIC ID that a guest writes", () => {
    const vm = xapicVm(3);
    vm.apic(2).write(ID, 0x0900_0000n, 4);
    sendIpi(vm, 0, 0x41n, 2);
    expect(vm.acknowledged()).toEqual([]);
    sendIpi(vm, 0, 0x41n, 9);
    expect(vm.acknowledged()).toEqual([[2, 0x41]]);
    expect([vm.bus.apicvInhibits(), vm.apic(2).apicvInhibits]).toEqual([
      ["APIC_ID_MODIFIED"],
      ["APIC_ID_MODIFIED"],
    ]);
  });

  it("reaches both owners of an ID", () => {
    const vm = xapicVm(3);
    vm.apic(2).write(ID, 0x0100_0000n, 4);
    sendIpi(vm, 0, 0x41n, 1);
    expect(positions(vm.acknowledged())).toEqual([1, 2]);
  });
});

describe("logical destinations", () => {
  it("flat: every mask of eight processors reaches its bits", () => {
    const vm = xapicVm(8);
    vm.vcpus.forEach(({ apic }, i) => {
      apic.write(LDR, BigInt(2 ** i) << 24n, 4);
    });
    for (let mask = 0; mask < 256; mask++) {
      sendIpi(vm, 0, 0x41n | LOGICAL, mask);
      expect(positions(vm.acknowledged())).toEqual(
        [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (mask >> bit) % 2 === 1),
      );
      for (const { apic } of vm.vcpus) apic.write(EOI, 0n, 4);
    }
  });

  it("cluster: every cluster and mask of 60 processors", () => {
    const vm = xapicVm(60);
    vm.vcpus.forEach(({ apic }, i) => {
      apic.write(DFR, 0n, 4);
      apic.write(LDR, BigInt(Math.floor(i / 4) * 16 + 2 ** (i % 4)) << 24n, 4);
    });
    for (let destination = 0; destination < 255; destination++) {
      sendIpi(vm, 0, 0x41n | LOGICAL, destination);
      const cluster = Math.floor(destination / 16);
      const expected = [0, 1, 2, 3]
        .filter((bit) => (destination >> bit) % 2 === 1)
        .map((bit) => cluster * 4 + bit);
      expect(positions(vm.acknowledged())).toEqual(expected.filter((position) => position < 60));
      for (const { apic } of vm.vcpus) apic.write(EOI, 0n, 4);
    }
  });

  it("x2APIC: a cluster of sixteen out of 300", () => {
    const vm = x2apicVm(300);
    vm.apic(0).wrmsr(MSR_ICR, x2Icr(0x41n | LOGICAL, 0x12_8421));
    expect(positions(vm.acknowledged())).toEqual([288, 293, 298]);
    vm.apic(0).wrmsr(MSR_ICR, x2Icr(0x42n | LOGICAL, 0x03_8421));
    expect(positions(vm.acknowledged())).toEqual([48, 53, 58, 63]);
  });
});

describe("lowest priority", () => {
  it("with hashing goes by the vector over the bits of the destination", () => {
    const vm = x2apicVm(4);
    for (let vector = 0x40; vector < 0x44; vector++)
      vm.apic(0).wrmsr(MSR_ICR, x2Icr(LOWEST | LOGICAL | BigInt(vector), 0xf));
    expect(vm.acknowledged()).toEqual([
      [0, 0x40],
      [1, 0x41],
      [2, 0x42],
      [3, 0x43],
    ]);
  });

  it("without hashing goes round, and starts anew where INIT cleared a counter", () => {
    const vm = x2apicVm(3, { vectorHashing: "off" });
    const send = (vector: number): readonly number[] => {
      vm.apic(0).wrmsr(MSR_ICR, x2Icr(LOWEST | LOGICAL | BigInt(vector), 0x7));
      const taken = positions(vm.acknowledged());
      for (const at of taken) vm.apic(at).wrmsr(MSR_EOI, 0n);
      return taken;
    };
    expect([0x41, 0x42, 0x43, 0x44, 0x45, 0x46].flatMap(send)).toEqual([0, 1, 2, 0, 1, 2]);
    vm.apic(0).wrmsr(MSR_ICR, x2Icr(INIT | ASSERT, 2));
    vm.acceptEvents();
    vm.apic(2).wrmsr(MSR_SVR, ENABLED);
    expect([0x41, 0x42, 0x43].flatMap(send)).toEqual([2, 2, 0]);
  });
});

describe("a VM programmed by its registers", () => {
  const processor = fc.record({
    mode: fc.constantFrom("xapic" as const, "x2apic" as const, "disabled" as const),
    xapicId: fc.integer({ min: 0, max: 12 }),
    logicalId: fc.constantFrom(0, 1, 2, 3, 0x11, 0x12, 0x21),
    model: fc.constantFrom(0xfn, 0n, 3n),
    swEnabled: fc.boolean(),
  });
  const ipi = fc.record({
    destination: fc.oneof(fc.integer({ min: 0, max: 0x22 }), fc.constant(0xff)),
    logical: fc.boolean(),
    shorthand: fc.constantFrom(0n, 0n, ALL, ALL_BUT_SELF),
    vector: fc.integer({ min: 16, max: 255 }),
    from: fc.nat(7),
  });

  it("reaches whom every processor deciding for itself would say", () => {
    fc.assert(
      fc.property(fc.array(processor, { minLength: 2, maxLength: 8 }), ipi, (processors, sent) => {
        const vm = new ApicVm(processors.length, { bus: { lookup: "scan" } });
        const mirror = processors.map(({ mode, xapicId, logicalId, model, swEnabled }, id) => {
          const apic = vm.apic(id);
          apic.write(SVR, swEnabled ? ENABLED : 0xffn, 4);
          apic.write(ID, BigInt(xapicId) << 24n, 4);
          apic.write(LDR, BigInt(logicalId) << 24n, 4);
          apic.write(DFR, model << 28n, 4);
          if (mode === "x2apic") apic.wrmsr(MSR_APICBASE, X2APIC_BASE, "host");
          if (mode === "disabled") apic.wrmsr(MSR_APICBASE, 0xfee0_0000n, "host");
          const ldr = mode === "x2apic" ? 2 ** id : logicalId * 2 ** 24;
          const dfr = Number(model) * 2 ** 28 + 0x0fff_ffff;
          return new FakeApic({ id, mode, xapicId, ldr, dfr, swEnabled });
        });
        const from = sent.from % processors.length;
        const mode = processors[from]?.mode;
        const icr = BigInt(sent.vector) | (sent.logical ? LOGICAL : 0n) | sent.shorthand;
        if (mode === "x2apic") vm.apic(from).wrmsr(MSR_ICR, x2Icr(icr, sent.destination));
        else sendIpi(vm, from, icr, sent.destination);
        const targets = naiveTargets(
          mirror,
          {
            vector: sent.vector,
            deliveryMode: 0,
            destinationMode: sent.logical ? "logical" : "physical",
            destination: sent.destination,
            shorthand:
              sent.shorthand === ALL ? "all" : sent.shorthand === ALL_BUT_SELF ? "all-but-self" : "none",
            level: "deasserted",
            trigger: "edge",
            source: "ipi",
          },
          mirror[from],
          "on",
        );
        const expected = (mode === "disabled" ? [] : (targets ?? [])).filter(
          (at) => processors[at]?.swEnabled,
        );
        expect(vm.acknowledged()).toEqual(expected.map((at) => [at, sent.vector]));
      }),
    );
  });
});
