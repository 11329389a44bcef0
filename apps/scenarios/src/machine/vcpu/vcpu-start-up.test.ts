import { describe, expect, it } from "vitest";
import { icr, MSR, type TracedVm, vmOf } from "../fixtures/many-vcpus.js";
import type { GuestCpu, GuestProgram } from "../guest/guest.js";

const US = 1_000n;
const NMI = 4;
const INIT = 5;
const SIPI = 6;

/** A VM of two, in which vCPU 0 does `act` after 5 µs. */
function two(act: (cpu: GuestCpu) => void, options: Parameters<typeof vmOf>[1] = {}): TracedVm {
  const vm = vmOf(2, options);
  vm.after(0, 5n * US, act);
  return vm;
}

const warnings = ({ log }: TracedVm): unknown[] =>
  log.ofKind("warning").map(({ vcpu, text }) => [vcpu, text]);

describe("INIT and SIPI", () => {
  it("start a program on a vCPU that never ran, at its vector", () => {
    const ran: unknown[] = [];
    const vm = two((cpu) => {
      cpu.wrmsr(MSR.icr, icr({ mode: INIT, to: 1 }));
      cpu.wrmsr(MSR.icr, icr({ mode: SIPI, vector: 0x9a, to: 1 }));
      // As the manual has it sent: the second finds the processor running.
      cpu.wrmsr(MSR.icr, icr({ mode: SIPI, vector: 0x9a, to: 1 }));
    });
    const [, ap] = vm.vcpus;
    ap?.start("waits for its start", function* (cpu): GuestProgram {
      yield cpu.halt();
    });
    if (ap !== undefined) {
      ap.startUpCode = (vector) => ({
        name: "application processor",
        program: function* (cpu): GuestProgram {
          ran.push([vector, cpu.rdtsc(), cpu.rdmsr(MSR.svr)]);
          yield cpu.work(US);
          ran.push(cpu.rdtsc());
        },
      });
    }
    vm.runTo(100n * US);
    expect(ran).toEqual([[0x9a, 5n * US, 0xffn], 6n * US]);
  });

  it.each(["halts", "spins"] as const)("end what a vCPU ran and its timer with it: it %s", (waits) => {
    const vm = two((cpu) => cpu.wrmsr(MSR.icr, icr({ mode: INIT, to: 1 })), {
      costs: { exit: 300n, entry: 700n },
    });
    const ticks: bigint[] = [];
    vm.vcpus[1]?.start("ticks", function* (cpu): GuestProgram {
      cpu.wrmsr(MSR.svr, 0x1ff);
      cpu.wrmsr(0x83e, 0xb);
      cpu.wrmsr(0x832, 0x200ec);
      cpu.wrmsr(0x838, 1_000_000);
      for (;;) {
        yield waits === "halts" ? cpu.halt() : cpu.run();
        ticks.push(cpu.rdtsc());
        cpu.eoi();
      }
    });
    vm.runTo(5_000n * US);
    expect([ticks, vm.vcpus[1]?.state, vm.vcpus[1]?.apic.backend]).toEqual([[], "blocked", "none"]);
    expect(warnings(vm)).toEqual([]);
  });

  it.each([
    ["a guest on its way in does not get there", [{ mode: INIT, to: 1 }], []],
    ["but for them it would", [], [0x41]],
  ])("%s", (_title, sentMeanwhile, expected) => {
    const vm = vmOf(3, { costs: { entry: 4n * US } });
    vm.receive(1, "spins");
    // Each start costs an entry: this is 13 µs, and vCPU 1 is in the guest again at 17 µs.
    vm.after(0, 5n * US, (cpu) => cpu.wrmsr(MSR.icr, icr({ vector: 0x41, to: 1 })));
    vm.after(2, 3n * US, (cpu) => {
      expect([cpu.rdtsc(), vm.vcpus[1]?.state]).toEqual([15n * US, "host"]);
      for (const ipi of sentMeanwhile) cpu.wrmsr(MSR.icr, icr(ipi));
    });
    vm.runTo(100n * US);
    expect(vm.taken[1]?.map(([, vector]) => vector)).toEqual(expected);
  });

  it("are not mixed up: a SIPI without INIT does nothing", () => {
    const vm = two((cpu) => cpu.wrmsr(MSR.icr, icr({ mode: SIPI, vector: 8, to: 1 })));
    vm.receive(1, "halts");
    vm.runTo(100n * US);
    expect([vm.vcpus[1]?.state, warnings(vm)]).toEqual(["blocked", []]);
  });

  it("say so where there is no code to start", () => {
    const vm = two((cpu) => {
      cpu.wrmsr(MSR.icr, icr({ mode: INIT, to: 1 }));
      cpu.wrmsr(MSR.icr, icr({ mode: SIPI, vector: 0x9a, to: 1 }));
    });
    vm.receive(1, "spins");
    vm.runTo(100n * US);
    expect(warnings(vm)).toEqual([[1, "SIPI: nothing to run at 0x9a000"]]);
    expect(vm.vcpus[1]?.state).toBe("blocked");
  });

  it("leave a boot processor without firmware halted for good, and say so", () => {
    const vm = two((cpu) => cpu.wrmsr(MSR.icr, icr({ mode: INIT, to: 0 })));
    vm.runTo(100n * US);
    expect(warnings(vm)).toEqual([[0, "INIT: no firmware to start the boot processor again"]]);
    expect(vm.vcpus[0]?.state).toBe("blocked");
  });

  it("wait while the vCPU is in VMX operation with a guest of its own", () => {
    const vm = two((cpu) => cpu.wrmsr(MSR.icr, icr({ mode: INIT, to: 1 })));
    const returned: bigint[] = [];
    vm.vcpus[1]?.start("hypervisor", function* (cpu): GuestProgram {
      for (;;) {
        yield cpu.enterNested(1_000, "halts");
        returned.push(cpu.rdtsc());
      }
    });
    vm.runTo(100n * US);
    expect(returned).toEqual([32n * US, 64n * US, 96n * US]);
  });
});

describe("an NMI", () => {
  it("kicks its vCPU, whose program hears nothing of it, and is told", () => {
    const vm = two((cpu) => cpu.wrmsr(MSR.icr, icr({ mode: NMI, to: 1 })));
    vm.receive(1, "spins");
    vm.runTo(100n * US);
    expect(warnings(vm)).toEqual([[1, "NMI: a guest program takes none"]]);
    expect(vm.taken[1]).toEqual([]);
    expect(vm.vcpus[1]?.counters.exitsFor.kick).toBe(1);
  });
});
