import type { HostTsc } from "@chronovisor/clocksource";
import { decodeVcpuTimeInfo } from "@chronovisor/pvclock";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { buildClockMachine, type ClockMachine, type ClockMachineOptions } from "../clock-machine.js";
import type { GuestCpu } from "../guest/guest.js";

const IA32_TSC = 0x10;
const IA32_TSC_ADJUST = 0x3b;
const KVM_SYSTEM_TIME = 0x4b564d01;
const EINVAL = -22;
const MS = 1_000_000n;
const SECOND = 1_000_000_000n;
const AREA = 0x1000n;
const AREA_BYTES = 64n;
const HOST_HZ = 2_500_000_000n;

type Options = Partial<ClockMachineOptions> & { readonly kernel?: string };

function machine({ kernel = "v6.12", ...options }: Options = {}): ClockMachine {
  const { axes } = parseKernel(kernel);
  return buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, axes, ...options });
}

/** Starts every vCPU: it has its clock published and runs. */
function startAll({ vm }: ClockMachine): void {
  for (const vcpu of vm.vcpus) {
    vcpu.start("has its clock published", function* (cpu) {
      cpu.wrmsr(KVM_SYSTEM_TIME, (AREA + AREA_BYTES * BigInt(vcpu.id)) | 1n);
      yield cpu.run();
    });
  }
}

function runTo({ host }: ClockMachine, ns: bigint): void {
  host.engine.runUntil(host.tscAt(ns));
}

const published = ({ vm }: ClockMachine, id = 0) =>
  decodeVcpuTimeInfo(vm.memory.at(AREA + AREA_BYTES * BigInt(id), 32));

/** A vCPU's counter. */
function counter({ vm }: ClockMachine, id = 0) {
  const found = vm.counters.vcpus[id];
  if (found === undefined) throw new RangeError(`expected a vCPU ${id}`);
  return found;
}

/** What RDTSC gives a vCPU now. */
const tsc = (at: ClockMachine, id = 0): bigint => counter(at, id).readL1(at.vm.kvm.tsc());

/** What the vCPU's clock reads now. */
const clock = (at: ClockMachine, id = 0): bigint => at.vm.clock.vcpus[id]?.readAt(at.vm.kvm.tsc()) ?? -1n;

/** User space takes the vCPUs out and writes a vCPU's IA32_TSC. */
function hostWrites(at: ClockMachine, id: number, value: bigint): void {
  at.vm.paused(() => at.vm.counters.hostWriteTsc(counter(at, id), value));
}

/** Runs one vCPU whose guest does `work` after a second, and what it had then. */
function guestDoes(at: ClockMachine, work: (cpu: GuestCpu) => void): void {
  at.vm.vcpus[0]?.start("does it after a second", function* (cpu) {
    cpu.wrmsr(KVM_SYSTEM_TIME, AREA | 1n);
    yield cpu.run((cpu.rdtsc() + HOST_HZ) as ReturnType<GuestCpu["rdtsc"]>);
    work(cpu);
    yield cpu.run();
  });
}

describe("KVM_SET_TSC_KHZ on a vCPU that is out", () => {
  it.each([
    ["scales with hardware, the ratio rounded down", 2_000_000n, "present", 0, 2_000_000, 3_999_999_999n],
    ["takes 0 for the host's", 0n, "present", 0, 2_500_000, 5_000_000_000n],
    ["takes 250 ppm above for equal", 2_500_625n, "absent", 0, 2_500_625, 5_000_000_000n],
    ["takes 250 ppm below for equal", 2_499_375n, "absent", 0, 2_499_375, 5_000_000_000n],
    ["refuses a slower guest without scaling", 2_000_000n, "absent", EINVAL, 2_000_000, 5_000_000_000n],
    ["refuses what no ratio reaches", 2_147_483_647n, "present", EINVAL, 2_500_000, 5_000_000_000n],
  ] as const)("%s: %i kHz", (_why, khz, tscScaling, result, virtualKhz, at2s) => {
    const at = machine({ tscScaling });
    startAll(at);
    runTo(at, 2n * SECOND);
    expect(at.vm.paused(() => counter(at).ioctlSetTscKhz(khz))).toBe(result);
    expect(counter(at).virtualTscKhz).toBe(virtualKhz);
    // Nothing is synchronised again: the counter jumps to what the new ratio makes of the host's.
    expect(tsc(at)).toBe(at2s);
  });

  it("makes the published rate follow at the next clock update, not before: that of 1 999 999 kHz", () => {
    const at = machine();
    startAll(at);
    runTo(at, SECOND);
    at.vm.paused(() => counter(at).ioctlSetTscKhz(2_000_000n));
    expect(published(at)).toMatchObject({ tscToSystemMul: 3_435_973_836, tscShift: -1 });
    at.vm.clock.requestMasterClockUpdates();
    runTo(at, SECOND + MS);
    expect(published(at)).toMatchObject({ tscToSystemMul: 2_147_484_721, tscShift: 0 });
  });

  it("starts catch-up for a faster guest without scaling: every exit of a VM without a master clock pays the difference", () => {
    const at = machine({ hostKhz: 2_400_000n, tscScaling: "absent", vcpus: 2 });
    for (const [id, each] of at.vm.counters.vcpus.entries()) {
      expect(each.ioctlSetTscKhz(2_500_000n)).toBe(0);
      at.vm.counters.setTscOffset(each, BigInt(id));
    }
    startAll(at);
    expect(at.vm.clock.reference.useMasterClock).toBe(false);
    const start = tsc(at);
    runTo(at, MS);
    expect(tsc(at) - start).toBe(2_400_000n);
    at.vm.vcpus[0]?.kick();
    runTo(at, MS);
    expect(tsc(at) - start).toBe(2_500_000n);
  });
});

describe("a guest's write of", () => {
  it("IA32_TSC moves its counter and IA32_TSC_ADJUST alike, and leaves the clock wrong by as much", () => {
    const at = machine();
    let adjust: bigint | undefined;
    guestDoes(at, (cpu) => {
      cpu.wrmsr(IA32_TSC, cpu.rdtsc() + 1_000_000_000n);
      adjust = cpu.rdmsr(IA32_TSC_ADJUST);
    });
    runTo(at, SECOND);
    expect(adjust).toBe(1_000_000_000n);
    expect(tsc(at)).toBe(3_500_000_000n);
    expect(clock(at) / MS).toBe(1_399n);
    expect(at.vm.clock.reference.useMasterClock).toBe(true);
    expect(at.vm.counters.generationNumber).toBe(1n);
  });

  it("IA32_TSC_ADJUST moves its counter and has the clock published anew", () => {
    const at = machine();
    let read: bigint | undefined;
    guestDoes(at, (cpu) => {
      cpu.wrmsr(IA32_TSC_ADJUST, 1_000_000_000n);
      read = cpu.rdmsr(IA32_TSC);
    });
    runTo(at, SECOND);
    expect(read).toBe(3_500_000_000n);
    expect(clock(at) / MS).toBe(999n);
    expect(published(at).tscTimestamp).toBe(1_000_000_000n);
  });

  it("IA32_TSC below where it was makes IA32_TSC_ADJUST negative, as a 64-bit pattern", () => {
    const at = machine();
    let adjust: bigint | undefined;
    guestDoes(at, (cpu) => {
      cpu.wrmsr(IA32_TSC, 0n);
      adjust = cpu.rdmsr(IA32_TSC_ADJUST);
    });
    runTo(at, SECOND);
    expect(adjust).toBe(2n ** 64n - 2_500_000_000n);
  });
});

describe("a write of user space's of", () => {
  it("IA32_TSC_ADJUST is stored and moves nothing", () => {
    const at = machine();
    startAll(at);
    runTo(at, SECOND);
    at.vm.paused(() => counter(at).setTscAdjust(77n));
    expect(counter(at).tscAdjust).toBe(77n);
    expect(tsc(at)).toBe(HOST_HZ);
  });

  it("KVM_VCPU_TSC_OFFSET holds the vCPUs together only if all get the same, to the cycle", () => {
    const at = machine({ vcpus: 2 });
    startAll(at);
    runTo(at, SECOND);
    const setOffset = (id: number, offset: bigint): void => {
      at.vm.paused(() => at.vm.counters.setTscOffset(counter(at, id), offset));
      runTo(at, SECOND);
    };
    setOffset(1, 1n);
    expect(at.vm.counters.generationNumber).toBe(2n);
    expect([published(at).flags, published(at, 1).flags]).toEqual([0, 0]);
    setOffset(0, 1n);
    expect(at.vm.counters.generationNumber).toBe(2n);
    expect(at.vm.counters.nrVcpusMatched).toBe(1);
    expect([published(at).flags, published(at, 1).flags]).toEqual([1, 1]);
    expect(tsc(at) - tsc(at, 1)).toBe(0n);
  });

  it("IA32_TSC of four vCPUs, a millisecond apart, makes one counter again with the fourth", () => {
    const at = machine({ vcpus: 4 });
    startAll(at);
    runTo(at, SECOND);
    const saved = 9_000_000_000_000n;
    const states = [0, 1, 2, 3].map((id) => {
      runTo(at, SECOND + BigInt(id) * MS);
      hostWrites(at, id, saved);
      return [at.vm.counters.nrVcpusMatched, at.vm.clock.reference.useMasterClock];
    });
    runTo(at, SECOND + 4n * MS);
    expect(states.map(([matched]) => matched)).toEqual([0, 1, 2, 3]);
    expect(states.slice(0, 3).map(([, isOn]) => isOn)).toEqual([false, false, false]);
    expect(at.vm.clock.reference.useMasterClock).toBe(true);
    for (const id of [1, 2, 3]) expect(tsc(at, id)).toBe(tsc(at, 0));
    // The first one's value, and it went on from there.
    expect(tsc(at, 3)).toBe(saved + 4n * 2_500_000n);
  });
});

/** Written at a TSC that ns and cycles divide evenly, so that the window's edge is a cycle and not a fraction of one. */
describe("the one second around the last write carried forward", () => {
  const saved = 9_000_000_000_000n;
  const secondWrite = (kernel: string, off: bigint): ClockMachine => {
    // At 2 GHz CLOCK_MONOTONIC_RAW is exact, and so is what the last write has come to.
    const at = machine({ kernel, vcpus: 2, hostKhz: 2_000_000n });
    startAll(at);
    runTo(at, 10n * SECOND);
    hostWrites(at, 0, saved);
    runTo(at, 11n * SECOND);
    hostWrites(at, 1, saved + 2_000_000_000n + off);
    runTo(at, 11n * SECOND);
    return at;
  };

  describe.each(["v6.6", "v6.7", "v7.3"])("in %s", (kernel) => {
    it.each([
      [0n, true],
      [1n, true],
      [1_999_999_999n, true],
      [2_000_000_000n, false],
      [2_000_000_002n, false],
      [-1_999_999_999n, true],
      [-2_000_000_000n, false],
    ])("matches a value off by %i cycles: %s", (off, matches) => {
      const at = secondWrite(kernel, off);
      expect(at.vm.counters.nrVcpusMatched).toBe(matches ? 1 : 0);
      expect(at.vm.clock.reference.useMasterClock).toBe(matches);
      expect(tsc(at, 1) - tsc(at, 0)).toBe(matches ? 0n : off);
    });
  });

  it("is as wide whatever the value: a match takes over the first one's offset, any other keeps its own", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -3_000_000_000n, max: 3_000_000_000n }), (off) => {
        const matches = off > -2_000_000_000n && off < 2_000_000_000n;
        const at = secondWrite("v7.3", off);
        expect(tsc(at, 1) - tsc(at, 0)).toBe(matches ? 0n : off);
      }),
      { numRuns: 40 },
    );
  });
});

describe("the first write of user space's to a VM five seconds old", () => {
  const atWrite = 5n * SECOND;
  const firstWrite = (kernel: string, off: bigint): bigint => {
    const at = machine({ kernel, hostKhz: 2_000_000n });
    startAll(at);
    runTo(at, atWrite);
    const value = 10_000_000_000n + off;
    hostWrites(at, 0, value);
    return tsc(at) - value;
  };

  it.each([0n, 1n, -1_000_000_000n, 1_999_999_999n, -1_999_999_999n])(
    "is swallowed before v6.7 if it is %i cycles off the VM's own TSC, and honoured since",
    (off) => {
      expect(firstWrite("v6.6", off)).toBe(0n - off);
      expect(firstWrite("v6.7", off)).toBe(0n);
    },
  );

  it.each([2_000_000_000n, -2_000_000_000n, 90_000_000_000n])(
    "is honoured by both if it is %i off",
    (off) => {
      expect(firstWrite("v6.6", off)).toBe(0n);
      expect(firstWrite("v6.7", off)).toBe(0n);
    },
  );

  it("is honoured by both if the vCPU was created at another frequency", () => {
    for (const kernel of ["v6.6", "v6.7"]) {
      const at = machine({ kernel, hostKhz: 2_000_000n });
      startAll(at);
      runTo(at, atWrite);
      at.vm.paused(() => counter(at).ioctlSetTscKhz(1_000_000n));
      hostWrites(at, 0, 5_000_000_001n);
      expect(tsc(at)).toBe(5_000_000_001n);
    }
  });

  it("is the only one: from then on the second counts in both", () => {
    const at = machine({ hostKhz: 2_000_000n });
    startAll(at);
    runTo(at, atWrite);
    hostWrites(at, 0, 50_000_000_000n);
    runTo(at, atWrite + SECOND);
    hostWrites(at, 0, 52_000_000_100n);
    expect(tsc(at)).toBe(52_000_000_000n);
    // 0 is never a value: it asks to be synchronised.
    hostWrites(at, 0, 0n);
    expect(tsc(at)).toBe(52_000_000_000n);
    const end: HostTsc = at.vm.kvm.tsc();
    expect(end).toBe(12_000_000_000n);
  });
});
