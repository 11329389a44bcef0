import { decodeVcpuTimeInfo, encodeVcpuTimeInfo } from "@chronovisor/pvclock";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../kernels/kernels.js";
import { buildClockMachine } from "../machine/clock-machine.js";
import type { GuestCpu } from "../machine/guest/guest.js";
import { FlatMemory } from "../machine/guest/guest-memory.js";
import { GuestKvmclock } from "./kvmclock.js";

// Redeclared from the guest's kernel: the MSRs, and a cache line for each vCPU.
const OLD_SYSTEM_TIME = 0x12;
const SYSTEM_TIME = 0x4b564d01;
const AREA = (vcpu: number): bigint => 0x1000n + 64n * BigInt(vcpu);
const S = 1_000_000_000n;

const INFO = {
  version: 2,
  tscTimestamp: 0n,
  systemTime: 500n,
  tscToSystemMul: 2 ** 31,
  tscShift: 0,
  flags: 0,
};
const cpuAt = (tsc: bigint): GuestCpu => ({ rdtsc: () => tsc }) as unknown as GuestCpu;
/** Clocks of two vCPUs at 2 GHz, the second's 100 ns behind. */
const published = (flags: number): FlatMemory => {
  const memory = new FlatMemory(2);
  memory.at(AREA(0), 32).set(encodeVcpuTimeInfo({ ...INFO, flags }));
  memory.at(AREA(1), 32).set(encodeVcpuTimeInfo({ ...INFO, flags, systemTime: 400n }));
  return memory;
};

describe("a guest's kvm-clock", () => {
  it.each([
    ["new", SYSTEM_TIME],
    ["old", OLD_SYSTEM_TIME],
  ] as const)("with %s features is enabled by its own number, a line for each vCPU", (features, own) => {
    const { axes } = parseKernel("v7.3");
    const { host, vm } = buildClockMachine({ hostKhz: 2_000_000n, guestKhz: 0n, vcpus: 2, axes });
    const guest = new GuestKvmclock(vm.memory, features);
    const written: [number, bigint][] = [];
    const read: bigint[] = [];
    for (const vcpu of vm.vcpus) {
      vcpu.start("enables and reads", function* (cpu) {
        const { wrmsr } = cpu;
        cpu.wrmsr = (msr, value) => {
          written.push([msr, BigInt(value)]);
          return wrmsr.call(cpu, msr, value);
        };
        guest.enable(cpu, vcpu.id);
        yield cpu.run((cpu.rdtsc() + 2n * S) as ReturnType<GuestCpu["rdtsc"]>);
        read.push(guest.read(cpu, vcpu.id));
        for (;;) yield cpu.run();
      });
    }
    host.engine.runUntil(host.tscAt(2n * S));
    expect(written).toEqual([
      [own, AREA(0) | 1n],
      [own, AREA(1) | 1n],
    ]);
    expect(read).toEqual([S, S]);
    expect(guest.published(1)).toEqual(decodeVcpuTimeInfo(vm.memory.at(AREA(1), 32)));
    expect(guest.published(1).flags).toBe(features === "new" ? 1 : 0);
  });

  it("does not go back from one vCPU to the next, unless it is told that it may trust them", () => {
    const clamped = new GuestKvmclock(published(0));
    expect([clamped.read(cpuAt(2_000n), 0), clamped.read(cpuAt(2_000n), 1)]).toEqual([1_500n, 1_500n]);
    const trusting = new GuestKvmclock(published(1));
    expect([trusting.read(cpuAt(2_000n), 0), trusting.read(cpuAt(2_000n), 1)]).toEqual([1_500n, 1_400n]);
    const unaware = new GuestKvmclock(published(1), "old");
    expect([unaware.read(cpuAt(2_000n), 0), unaware.read(cpuAt(2_000n), 1)]).toEqual([1_500n, 1_500n]);
  });

  it("that is being written for ever stops the run: nobody else could end it", () => {
    const memory = published(1);
    memory.at(AREA(0), 1)[0] = 3;
    expect(() => new GuestKvmclock(memory).read(cpuAt(0n), 0)).toThrow(
      "GuestKvmclock: the clock of vCPU 0 is being written for ever",
    );
  });
});
