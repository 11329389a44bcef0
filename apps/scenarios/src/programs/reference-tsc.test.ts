import { describe, expect, it } from "vitest";
import { parseKernel } from "../kernels/kernels.js";
import { buildClockMachine } from "../machine/clock-machine.js";
import type { GuestCpu } from "../machine/guest/guest.js";
import { FlatMemory } from "../machine/guest/guest-memory.js";
import { GuestReferenceTsc, type ReferenceTime } from "./reference-tsc.js";

// Redeclared from Hyper-V's interface.
const COUNTER_MSR = 0x40000020;
const PAGE_MSR = 0x40000021;
const S = 1_000_000_000n;

type Deed = (cpu: GuestCpu, reference: GuestReferenceTsc) => void;

/** Does these deeds, one a second, in a guest of 2 GHz whose clock is exact. */
function guestOf(deeds: readonly Deed[]) {
  const { axes } = parseKernel("v7.3");
  const { host, vm } = buildClockMachine({ hostKhz: 2_000_000n, guestKhz: 0n, axes });
  const reference = new GuestReferenceTsc(vm.memory);
  vm.vcpus[0]?.start("test", function* (cpu) {
    for (const deed of deeds) {
      yield cpu.run((cpu.rdtsc() + 2n * S) as ReturnType<GuestCpu["rdtsc"]>);
      deed(cpu, reference);
    }
  });
  host.engine.runUntil(host.tscAt(BigInt(deeds.length + 1) * S));
  return { vm, reference };
}

describe("a guest of Hyper-V's interface", () => {
  it("reads the counter until it has named a page, the page while it has one, and the counter again", () => {
    const seen: ReferenceTime[] = [];
    const reads: Deed = (cpu, reference) => void seen.push(reference.read(cpu));
    const { reference } = guestOf([
      reads,
      (cpu, own) => own.enable(cpu),
      reads,
      (cpu, own) => own.disable(cpu),
      reads,
    ]);
    expect(seen).toEqual([
      { time: 10_000_000n, from: "counter" },
      { time: 30_000_000n, from: "page" },
      { time: 50_000_000n, from: "counter" },
    ]);
    // 2^64 / 200, floored: a unit short after 2 s, which the offset makes good. What is taken away is not cleared.
    expect(reference.page()).toEqual({ sequence: 1, scale: 0x147ae147ae147aen, offset: 1n });
  });

  it("reads the counter where its page says it must", () => {
    const seen: ReferenceTime[] = [];
    guestOf([
      (cpu, own) => own.enable(cpu),
      (cpu, own) => {
        own.bytes().fill(0, 0, 4);
        seen.push(own.read(cpu));
      },
    ]);
    expect(seen).toEqual([{ time: 20_000_000n, from: "counter" }]);
  });

  it("has named its page at a whole frame, with the enable bit", () => {
    const seen: (bigint | undefined)[] = [];
    guestOf([
      (cpu, own) => {
        own.enable(cpu);
        seen.push(cpu.rdmsr(PAGE_MSR));
        own.disable(cpu);
        seen.push(cpu.rdmsr(PAGE_MSR), cpu.rdmsr(COUNTER_MSR));
      },
    ]);
    expect(seen).toEqual([0x5001n, 0n, 10_000_000n]);
  });

  it("that was moved with its page reads that at once", () => {
    const { vm } = guestOf([(cpu, own) => own.enable(cpu)]);
    const moved = new GuestReferenceTsc(vm.memory, "named");
    const cpu = { rdtsc: () => 2_000n } as unknown as GuestCpu;
    expect(moved.read(cpu)).toEqual({ time: 10n, from: "page" });
  });

  it("throws where its host has no counter: the machine is at fault, not the guest", () => {
    const cpu = { rdmsr: () => undefined } as unknown as GuestCpu;
    expect(() => new GuestReferenceTsc(new FlatMemory(16)).read(cpu)).toThrow(
      new Error("GuestReferenceTsc: the host has no reference counter"),
    );
  });
});
