import { guestTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { buildClockMachine, type ClockMachine } from "../clock-machine.js";
import type { GuestCpu } from "../guest/guest.js";

// Redeclared from the manuals: a wrong number in the source must not agree with itself.
const MSR = {
  tsc: 0x10,
  oldWallClock: 0x11,
  oldSystemTime: 0x12,
  tscAdjust: 0x3b,
  refCount: 0x40000020,
  refPage: 0x40000021,
  wallClock: 0x4b564d00,
  systemTime: 0x4b564d01,
} as const;
const S = 1_000_000_000n;
const { axes } = parseKernel("v7.3");

/** What a guest of 2.5 GHz does after a second, and what became of the machine. */
function after1s<T>(act: (cpu: GuestCpu, machine: ClockMachine) => T): {
  readonly machine: ClockMachine;
  readonly result: T;
} {
  const machine = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, realtimeNs: 1_000n * S, axes });
  const results: T[] = [];
  machine.vm.vcpus[0]?.start("test", function* (cpu) {
    yield cpu.run(guestTsc(2_500_000_000n));
    results.push(act(cpu, machine));
    for (;;) yield cpu.run();
  });
  machine.host.engine.runUntil(machine.host.tscAt(2n * S));
  return { machine, result: results[0] as T };
}

describe("a guest's register", () => {
  it.each([
    ["IA32_TSC", MSR.tsc, 2_500_000_000n],
    ["IA32_TSC_ADJUST", MSR.tscAdjust, 0n],
    ["the reference page", MSR.refPage, 0n],
    // 999 999 999 ns of kvmclock's.
    ["the reference counter", MSR.refCount, 9_999_999n],
    ["the system time, by its old number", MSR.oldSystemTime, 0n],
    ["the system time", MSR.systemTime, 0n],
    ["the wall clock, by its old number", MSR.oldWallClock, 0n],
    ["the wall clock", MSR.wallClock, 0n],
    ["one that is the APIC's", 0x832, 0x10000n],
    ["one that nobody has", 0x4b564d7f, undefined],
  ])("%s reads as it should a second into its life", (_name, msr, value) => {
    expect(after1s((cpu) => cpu.rdmsr(msr)).result).toBe(value);
  });

  it.each([
    ["IA32_TSC", MSR.tsc, 7n, "ok", 7n],
    ["IA32_TSC_ADJUST", MSR.tscAdjust, 2n ** 64n - 5n, "ok", 2n ** 64n - 5n],
    ["the reference page", MSR.refPage, 0x5001n, "ok", 0x5001n],
    ["the reference counter, which is read only", MSR.refCount, 7n, "fault", 9_999_999n],
    ["the system time, read by either number", MSR.systemTime, 0x1041n, "ok", 0x1041n],
    ["the wall clock", MSR.wallClock, 0x2000n, "ok", 0x2000n],
    ["one that nobody has", 0x4b564d7f, 1n, "fault", undefined],
  ])("%s takes what is written, or faults", (_name, msr, value, answer, readBack) => {
    const { result } = after1s((cpu) => [cpu.wrmsr(msr, value), cpu.rdmsr(msr)]);
    expect(result).toEqual([answer, readBack]);
  });

  it.each([
    [MSR.oldSystemTime, MSR.systemTime],
    [MSR.systemTime, MSR.oldSystemTime],
  ])("0x%i is the same as its other number, 0x%i", (written, read) => {
    const { result } = after1s((cpu) => [cpu.wrmsr(written, 0x1041n), cpu.rdmsr(read)]);
    expect(result).toEqual(["ok", 0x1041n]);
  });
});

describe("a write", () => {
  it("of the system time is published before the guest's next instruction", () => {
    const { result } = after1s((cpu, { vm }) => {
      cpu.wrmsr(MSR.systemTime, 0x1001n);
      const [version] = vm.memory.at(0x1000n, 1);
      return [version, vm.clock.vcpus[0]?.requests];
    });
    expect(result).toEqual([2, []]);
  });

  it("of the wall clock puts CLOCK_REALTIME of the guest's start there, once", () => {
    const { machine } = after1s((cpu) => cpu.wrmsr(MSR.wallClock, 0x2000n));
    const bytes = machine.vm.memory.at(0x2000n, 12);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
    // The host's clock has lost 59.6 ns by then, the guest's nothing: the start seems that much earlier.
    expect([0, 4, 8].map((at) => view.getUint32(at, true))).toEqual([2, 999, 999_999_941]);
  });

  it("of the old number on the boot vCPU turns the master clock off, of the new one on again", () => {
    const { result } = after1s((cpu, { vm }) =>
      [MSR.oldSystemTime, MSR.systemTime].map((msr) => {
        cpu.wrmsr(msr, 0x1001n);
        return vm.clock.reference.useMasterClock;
      }),
    );
    expect(result).toEqual([false, true]);
  });

  it("of the reference page takes a new reference and writes the page; without the enable bit it takes none", () => {
    const { result } = after1s((cpu, { vm }) => {
      const seen: [status: string, at: bigint][] = [];
      for (const value of [0x5001n, 0x5000n]) {
        cpu.wrmsr(MSR.refPage, value);
        seen.push([vm.hypervPage.status, vm.clock.reference.hostTsc]);
      }
      return seen;
    });
    expect(result).toEqual([
      ["set", 2_500_000_000n],
      ["unset", 2_500_000_000n],
    ]);
  });

  it("that faults changes nothing", () => {
    const { machine } = after1s((cpu) => cpu.wrmsr(MSR.refCount, 5n));
    expect(machine.vm.hypervPage.status).toBe("unset");
    expect(machine.vm.counters.vcpus[0]?.tscAdjust).toBe(0n);
  });
});

describe("the reference counter", () => {
  it("is vCPU 0's page on every vCPU, whatever its own TSC", () => {
    const machine = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, vcpus: 2, axes });
    const read: (bigint | undefined)[] = [];
    const [first, second] = machine.vm.vcpus;
    first?.start("names the page", function* (cpu) {
      cpu.wrmsr(MSR.refPage, 0x5001n);
      for (;;) yield cpu.run();
    });
    second?.start("reads the counter", function* (cpu) {
      yield cpu.run(guestTsc(2_500_000_000n));
      cpu.wrmsr(MSR.tsc, 0n);
      read.push(cpu.rdmsr(MSR.refCount));
      for (;;) yield cpu.run();
    });
    machine.host.engine.runUntil(machine.host.tscAt(2n * S));
    expect(read).toEqual([9_999_999n]);
  });
});

describe("a vCPU's thread", () => {
  it("leaves KVM the host's TSC when it goes, once, and is loaded where it comes back", () => {
    const { host, vm } = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, spareCpus: 1, axes });
    const [vcpu] = vm.vcpus;
    const [counter] = vm.counters.vcpus;
    if (vcpu === undefined || counter === undefined) throw new Error("no vCPU");
    vcpu.start("spins", function* (cpu) {
      for (;;) yield cpu.run();
    });
    expect([counter.cpu, counter.lastHostTsc]).toEqual([0, 0n]);
    host.engine.runUntil(host.tscAt(S));
    vcpu.stop();
    host.engine.runUntil(host.tscAt(2n * S));
    vcpu.moveTo(host.cpu(1));
    expect([counter.cpu, counter.lastHostTsc]).toEqual([0, 2_500_000_000n]);
    vcpu.resume();
    expect(counter.cpu).toBe(1);
  });

  it("has its guest's TSC noted at every exit", () => {
    const { host, vm } = buildClockMachine({ hostKhz: 3_000_000n, guestKhz: 2_500_000n, axes });
    const [counter] = vm.counters.vcpus;
    vm.vcpus[0]?.start("exits", function* (cpu) {
      yield cpu.run(guestTsc(2_500_000_000n));
      cpu.rdmsr(MSR.tsc);
      for (;;) yield cpu.run();
    });
    host.engine.runUntil(host.tscAt(2n * S));
    expect(counter?.lastGuestTsc).toBe(2_500_000_000n);
    vm.vcpus[0]?.forceExit();
    host.engine.runUntil(host.engine.now);
    expect(counter?.lastGuestTsc).toBe(4_999_999_999n);
  });

  it("asks for a clock update at every exit where software catches its TSC up, and has it done on its way back", () => {
    const { host, vm } = buildClockMachine({
      hostKhz: 2_400_000n,
      guestKhz: 2_500_000n,
      tscScaling: "absent",
      axes,
    });
    const updates: number[] = [];
    vm.vcpus[0]?.start("exits", function* (cpu) {
      for (let i = 1n; i <= 3n; i++) {
        cpu.rdmsr(MSR.tsc);
        yield cpu.run(guestTsc(cpu.rdtsc() + 1_000_000n));
        updates.push(vm.clock.vcpus[0]?.requests.length ?? -1);
      }
    });
    host.engine.runUntil(host.tscAt(S));
    expect(vm.counters.vcpus[0]?.alwaysCatchup).toBe(true);
    expect(updates).toEqual([0, 0, 0]);
  });
});
