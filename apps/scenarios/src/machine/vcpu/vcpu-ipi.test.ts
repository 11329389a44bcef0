import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { buildClockMachine } from "../clock-machine.js";
import { type Ipi, icr, MSR, SELF_IPI, type Taken, type TracedVm, vmOf } from "../fixtures/many-vcpus.js";
import type { GuestProgram } from "../guest/guest.js";

const US = 1_000n;
const FIXED = 0;
const LOWEST_PRIORITY = 1;
const REMOTE_READ = 3;
const SELF = 1;
const ALL = 2;
const ALL_BUT_SELF = 3;

/** Lets vCPU 0 send `ipi` to the others, which wait; when each took what, from the instant it was sent. */
function send(vm: TracedVm, ipi: Ipi, waits: "spins" | "halts"): readonly Taken[][] {
  let sentAt = 0n;
  for (const { id } of vm.vcpus.slice(1)) vm.receive(id, waits);
  vm.after(0, 5n * US, (cpu) => {
    sentAt = vm.host.engine.now;
    cpu.wrmsr(MSR.icr, icr(ipi));
  });
  vm.runTo(100n * US);
  return vm.taken.map((taken) => taken.map(([at, vector]) => [at - sentAt, vector]));
}

const exitsOf = ({ vcpus }: TracedVm, id: number): Record<string, number> => ({
  ...vcpus[id]?.counters.exitsFor,
});

describe("a fixed IPI", () => {
  it("wakes a halted vCPU, which takes it when its thread is up and has entered", () => {
    const vm = vmOf(2, { costs: { wake: 3_000n, entry: 700n } });
    expect(send(vm, { vector: 0x41, to: 1 }, "halts")).toEqual([[], [[3_700n, 0x41]]]);
  });

  it("makes a running vCPU exit, once, when the kick arrives", () => {
    const vm = vmOf(2, { ipiNs: 900n, costs: { exit: 500n, entry: 600n } });
    expect(send(vm, { vector: 0x41, to: 1 }, "spins")).toEqual([[], [[2_000n, 0x41]]]);
    expect(exitsOf(vm, 1)).toEqual({ "msr-write": 2, kick: 1 });
  });

  it("is taken by a running vCPU without an exit under APICv, when the notification arrives", () => {
    const vm = vmOf(2, { apicv: "on", ipiNs: 900n, costs: { exit: 500n, entry: 600n } });
    expect(send(vm, { vector: 0x41, to: 1 }, "spins")).toEqual([[], [[900n, 0x41]]]);
    expect(exitsOf(vm, 1)).toEqual({ "msr-write": 1 });
  });

  it("wakes a halted vCPU under APICv too", () => {
    const vm = vmOf(2, { apicv: "on", costs: { wake: 3_000n } });
    expect(send(vm, { vector: 0x41, to: 1 }, "halts")).toEqual([[], [[3_000n, 0x41]]]);
  });

  it.each(["off", "on"] as const)(
    "waits for a vCPU with interrupts off, and joins its like: APICv %s",
    (apicv) => {
      const vm = vmOf(2, { apicv });
      vm.after(1, 20n * US, () => {});
      vm.after(0, 5n * US, (cpu) => {
        for (const vector of [0x41, 0x52, 0x41]) cpu.wrmsr(MSR.icr, icr({ vector, to: 1 }));
      });
      vm.runTo(100n * US);
      expect(vm.taken[1]).toEqual([
        [20n * US, 0x52],
        [20n * US, 0x41],
      ]);
      expect(vm.log.ofKind("inject").map(({ vcpu, vector, coalesced }) => [vcpu, vector, coalesced])).toEqual(
        [
          [1, 0x41, "no"],
          [1, 0x52, "no"],
          [1, 0x41, "yes"],
        ],
      );
    },
  );

  it("waits for a vCPU that user space stopped", () => {
    const vm = vmOf(2);
    vm.receive(1, "halts");
    vm.vcpus[1]?.stop();
    vm.after(0, 5n * US, (cpu) => cpu.wrmsr(MSR.icr, icr({ vector: 0x41, to: 1 })));
    vm.runTo(50n * US);
    expect(vm.taken[1]).toEqual([]);
    vm.vcpus[1]?.resume();
    expect(vm.taken[1]).toEqual([[50n * US, 0x41]]);
  });

  it("is lost to a vCPU that has not enabled its APIC, and to an ID that nobody has", () => {
    const vm = vmOf(2);
    vm.vcpus[1]?.start("never enables it", function* (cpu): GuestProgram {
      yield cpu.halt();
      vm.taken[1]?.push([0n, 0]);
    });
    vm.after(0, 5n * US, (cpu) => {
      expect([1, 7].map((to) => cpu.wrmsr(MSR.icr, icr({ vector: 0x41, to })))).toEqual(["ok", "ok"]);
    });
    vm.runTo(100n * US);
    expect(vm.taken).toEqual([[], []]);
  });

  it("is no timer interrupt to the timer's counters", () => {
    const vm = vmOf(2);
    send(vm, { vector: 0x41, to: 1 }, "halts");
    const { inj, irrSet, seen } = vm.vcpus[1]?.counters ?? {};
    expect([inj, irrSet, seen]).toEqual([0, 0, 0]);
  });
});

describe("a destination", () => {
  const reached = (vcpus: number, ipi: Ipi, waits: "spins" | "halts"): number[] =>
    send(vmOf(vcpus), { vector: 0x41, ...ipi }, waits).flatMap((taken, id) => taken.map(() => id));

  it.each<[string, Ipi, number[]]>([
    ["physical: one ID", { to: 2 }, [2]],
    ["physical: the broadcast", { to: 0xffff_ffff }, [0, 1, 2, 3]],
    ["logical: a mask in a cluster", { logical: true, to: 0b1010 }, [1, 3]],
    ["logical: the sender among them", { logical: true, to: 0b0101 }, [0, 2]],
    ["logical: another cluster", { logical: true, to: 0x1_0002 }, []],
    ["logical: the broadcast", { logical: true, to: 0xffff_ffff }, [0, 1, 2, 3]],
    [
      "lowest priority: one of a mask, by the vector",
      { mode: LOWEST_PRIORITY, logical: true, to: 0b1110 },
      [3],
    ],
    ["shorthand: self", { shorthand: SELF, to: 3 }, [0]],
    ["shorthand: all", { shorthand: ALL }, [0, 1, 2, 3]],
    ["shorthand: all but self", { shorthand: ALL_BUT_SELF }, [1, 2, 3]],
  ])("%s", (_title, ipi, expected) => {
    for (const waits of ["halts", "spins"] as const) {
      expect(reached(4, ipi, waits)).toEqual(expected);
    }
  });

  it("reaches the vCPUs of the second cluster by their bits in it", () => {
    expect(reached(18, { logical: true, to: 0x1_0002 }, "halts")).toEqual([17]);
  });

  it("reaches the vCPUs of a VM with clocks", () => {
    const { axes } = parseKernel("v6.12");
    const { host, vm } = buildClockMachine({ hostKhz: 1_000_000n, guestKhz: 0n, vcpus: 2, axes });
    const got: unknown[] = [];
    vm.vcpus[1]?.start("receiver", function* (cpu): GuestProgram {
      cpu.wrmsr(MSR.svr, 0x1ff);
      got.push(yield cpu.halt());
    });
    vm.vcpus[0]?.start("sender", function* (cpu): GuestProgram {
      cpu.wrmsr(MSR.icr, icr({ vector: 0x41, shorthand: ALL_BUT_SELF }));
      yield cpu.halt();
    });
    host.engine.runUntil(host.tscAt(US));
    expect(got).toEqual([0x41]);
  });
});

describe("SELF IPI", () => {
  it.each([
    ["off", { "msr-write": 3 }],
    ["on", { "msr-write": 1 }],
  ] as const)("is taken as soon as interrupts are on, and kicks nobody: APICv %s", (apicv, exits) => {
    const vm = vmOf(1, { apicv });
    const seen: unknown[] = [];
    vm.vcpus[0]?.start("to itself", function* (cpu): GuestProgram {
      cpu.wrmsr(MSR.svr, 0x1ff);
      cpu.wrmsr(SELF_IPI, 0x41);
      yield cpu.work(2n * US);
      seen.push(yield cpu.run(), cpu.rdtsc());
      cpu.eoi();
      yield cpu.work(US);
    });
    vm.runTo(10n * US);
    expect(seen).toEqual([0x41, 2n * US]);
    const { hlt, ...others } = exitsOf(vm, 0);
    expect([others, hlt, vm.log.ofKind("kick")]).toEqual([
      { ...exits, ...(apicv === "off" ? { "interrupt-window": 1 } : {}) },
      1,
      [],
    ]);
  });

  it("faults on anything above a vector", () => {
    const vm = vmOf(1);
    const answers: unknown[] = [];
    vm.after(0, 0n, (cpu) => answers.push(cpu.wrmsr(SELF_IPI, 0x141), cpu.rdmsr(SELF_IPI)));
    expect(answers).toEqual([]);
    vm.runTo(US);
    expect(answers).toEqual(["fault", undefined]);
  });
});

describe("registers", () => {
  it("tell each vCPU who it is, and what it sent last", () => {
    const vm = vmOf(18);
    const read: unknown[] = [];
    vm.after(17, 0n, (cpu) => {
      cpu.wrmsr(MSR.icr, icr({ vector: 0x41, to: 2 }));
      read.push(cpu.rdmsr(MSR.id), cpu.rdmsr(MSR.ldr), cpu.rdmsr(MSR.icr), cpu.wrmsr(MSR.ldr, 1));
    });
    vm.runTo(US);
    expect(read).toEqual([17n, 0x1_0002n, 0x2_0000_4041n, "fault"]);
  });

  it("hold back what TPR is not below, until it is lowered", () => {
    const vm = vmOf(2);
    const got: unknown[] = [];
    vm.vcpus[1]?.start("raised", function* (cpu): GuestProgram {
      cpu.wrmsr(MSR.svr, 0x1ff);
      cpu.wrmsr(MSR.tpr, 0x40);
      got.push(yield cpu.run((10n * US) as never), cpu.rdmsr(0x822));
      cpu.wrmsr(MSR.tpr, 0x30);
      got.push(yield cpu.halt());
    });
    vm.after(0, 5n * US, (cpu) => cpu.wrmsr(MSR.icr, icr({ vector: 0x41, to: 1 })));
    vm.runTo(20n * US);
    expect(got).toEqual([undefined, 2n, 0x41]);
  });

  it("are gone once the guest disables its APIC, and what is sent to it is lost", () => {
    const vm = vmOf(2);
    const answers: unknown[] = [];
    vm.after(1, 0n, (cpu) => {
      answers.push(cpu.rdmsr(MSR.base), cpu.wrmsr(MSR.base, 0xfee0_0000n), cpu.rdmsr(MSR.svr));
    });
    vm.after(0, 5n * US, (cpu) => cpu.wrmsr(MSR.icr, icr({ vector: 0x41, to: 1 })));
    vm.runTo(20n * US);
    expect(answers).toEqual([0xfee0_0c00n, "ok", undefined]);
    expect(vm.taken[1]).toEqual([]);
  });
});

describe("a remote read", () => {
  it("ends a halt without an interrupt, as KVM's paravirtual kick does", () => {
    const vm = vmOf(2);
    const woken: unknown[] = [];
    vm.vcpus[1]?.start("in a lock", function* (cpu): GuestProgram {
      woken.push(yield cpu.halt(), cpu.rdtsc());
    });
    vm.after(0, 5n * US, (cpu) => cpu.wrmsr(MSR.icr, icr({ mode: REMOTE_READ, to: 1 })));
    vm.runTo(20n * US);
    expect(woken).toEqual([undefined, 5n * US]);
  });
});

describe("any IPIs between vCPUs", () => {
  const VCPUS = 5;
  /** Who is addressed, by the manual, in one cluster. */
  const targets = (sender: number, { to = 0, logical = false, shorthand = 0 }: Ipi): number[] =>
    [...Array(VCPUS).keys()].filter((id) => {
      if (shorthand !== 0) return shorthand === SELF ? id === sender : shorthand === ALL || id !== sender;
      return to === 0xffff_ffff || (logical ? to < 2 ** 16 && (to & (1 << id)) !== 0 : to === id);
    });

  it("are each taken once by every vCPU addressed, whatever it does meanwhile and whatever that costs", () => {
    const ipi = fc.record({
      logical: fc.boolean(),
      shorthand: fc.integer({ min: 0, max: 3 }),
      to: fc.oneof(fc.integer({ min: 0, max: 2 ** VCPUS }), fc.constantFrom(0xffff_ffff, 0x1_0001)),
    });
    const cost = fc.bigInt({ min: 0n, max: 3_000n });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: VCPUS - 1 }), ipi, cost), { maxLength: 40 }),
        fc.record({ exit: cost, entry: cost, wake: cost }),
        fc.constantFrom("off" as const, "on" as const),
        cost,
        fc.array(fc.constantFrom("halts" as const, "spins" as const), { minLength: VCPUS, maxLength: VCPUS }),
        (sends, costs, apicv, ipiNs, waits) => {
          const vm = vmOf(VCPUS, { apicv, ipiNs, costs });
          const got: number[][] = vm.vcpus.map(() => []);
          const due: number[][] = vm.vcpus.map(() => []);
          for (const [i, [sender, message]] of sends.entries()) {
            for (const id of targets(sender, message)) due[id]?.push(0x20 + i);
          }
          // A vCPU that is not up yet would miss what is sent to it.
          const ready = 100n * US;
          for (const { id } of vm.vcpus) {
            vm.vcpus[id]?.start("any", function* (cpu): GuestProgram {
              cpu.wrmsr(MSR.svr, 0x1ff);
              const take = function* (until: bigint): GuestProgram {
                for (;;) {
                  const vector = yield waits[id] === "halts" && until < 0n
                    ? cpu.halt()
                    : cpu.run(until < 0n ? undefined : (until as never));
                  if (vector === undefined) return;
                  got[id]?.push(vector);
                  cpu.eoi();
                }
              };
              yield* take(ready);
              for (const [i, [sender, message, pause]] of sends.entries()) {
                if (sender !== id) continue;
                cpu.wrmsr(MSR.icr, icr({ ...message, vector: 0x20 + i, mode: FIXED }));
                yield cpu.work(pause);
              }
              yield* take(-1n);
            });
          }
          vm.runTo(2_000n * US);
          expect(got.map((vectors) => [...vectors].sort((a, b) => a - b))).toEqual(due);
        },
      ),
      { numRuns: 60 },
    );
  });
});
