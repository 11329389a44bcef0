/**
 * Hosts whose TSC cannot be trusted (docs/model/clocksource-tsc §6.6). The machine has one axis, the TSC of the CPU the only
 * running vCPU is on: a thread that comes to a CPU whose TSC is behind is a step of the axis while the vCPU is out.
 */
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import { addVcpu, buildClockMachine, type ClockMachine } from "../clock-machine.js";
import { HPET } from "../host/chipset-counter.js";
import type { Vcpu } from "../vcpu/vcpu.js";
import { KvmVm } from "./kvm-vm.js";

const S = 1_000_000_000n;
const SECOND = 2_500_000_000n;

interface OneVcpu extends ClockMachine {
  readonly vcpu: Vcpu;
  readonly axes: Readonly<Record<string, string>>;
  readonly tsc: () => bigint;
  readonly clock: () => bigint;
  /** Runs for `ns` of true time. */
  readonly pass: (ns: bigint) => void;
}

/** A vCPU at 2.5 GHz with kvm-clock, 10 s after the start, and two host CPUs to spare. */
function tenSecondsOld(kernel = "v7.3"): OneVcpu {
  const { axes } = parseKernel(kernel);
  const built = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, spareCpus: 2, axes });
  const { host, vm } = built;
  const guest = new GuestKvmclock(vm.memory);
  const [vcpu] = vm.vcpus;
  if (vcpu === undefined) throw new Error("no vCPU");
  vcpu.start("spins", function* (cpu) {
    guest.enable(cpu, 0);
    for (;;) yield cpu.run();
  });
  host.engine.runUntil(host.tscAt(10n * S));
  return {
    ...built,
    vcpu,
    axes,
    tsc: () => vcpu.tsc.readL1(host.engine.now),
    clock: () => guest.pvclock.read(guest.area(0), () => vcpu.tsc.readL1(host.engine.now)) ?? 0n,
    pass: (ns) => host.engine.runUntil(host.tscAt(host.trueNs(host.engine.now) + ns)),
  };
}

/** The counter under the vCPU is another's, so many cycles ahead or behind. */
function stepTsc({ host }: ClockMachine, cycles: bigint): void {
  host.sleep({ ns: 0n, tsc: { resetTo: host.engine.now + cycles } });
}

/** Its thread is out for `ns`, and comes back to a CPU whose TSC is `cycles` ahead. */
function comesBack(machine: OneVcpu, ns: bigint, cpu: number, cycles: bigint): void {
  const { vcpu, host } = machine;
  vcpu.stop("preempted");
  machine.pass(ns);
  stepTsc(machine, cycles);
  vcpu.moveTo(host.cpu(cpu));
  vcpu.resume();
}

/** The guest TSC to which software catches up: 2.5 cycles for each ns of CLOCK_MONOTONIC_RAW since the VM's creation. */
const dueTsc = ({ kvm }: ClockMachine): bigint => (kvm.rawNs() * 5n) / 2n;

describe("a vCPU that comes to another CPU whose TSC is behind", () => {
  it("has the host's TSC marked unstable, and goes on where it stopped", () => {
    const machine = tenSecondsOld();
    comesBack(machine, S, 1, -3n * SECOND);
    expect(machine.kvm.health.stable).toBe(false);
    expect(machine.tsc()).toBe(10n * SECOND);
    expect(machine.vm.counters.vcpus[0]?.catchup).toBe(true);
    machine.pass(S);
    expect(machine.tsc()).toBe(11n * SECOND);
  });

  it("has lost what it was out for, until the host leaves the TSC and its clock is updated", () => {
    const machine = tenSecondsOld();
    comesBack(machine, S, 1, -3n * SECOND);
    expect(machine.vm.clock.reference.useMasterClock).toBe(true);
    machine.kvm.changeClocksource(HPET);
    machine.pass(0n);
    machine.vcpu.forceExit();
    machine.pass(0n);
    expect(machine.vm.clock.reference.useMasterClock).toBe(false);
    expect(machine.tsc()).toBe(dueTsc(machine));
    expect(machine.tsc() - 11n * SECOND).toBe(-1_640n);
    expect(machine.clock()).toBe(machine.kvm.rawNs());
  });

  it("does so by a single cycle, and not at an equal one", () => {
    const behind = tenSecondsOld();
    comesBack(behind, 0n, 1, -1n);
    expect([behind.kvm.health.stable, behind.tsc()]).toEqual([false, 10n * SECOND]);
    const equal = tenSecondsOld();
    comesBack(equal, 0n, 1, 0n);
    expect([equal.kvm.health.stable, equal.tsc()]).toEqual([true, 10n * SECOND]);
  });

  it("is not noticed where it was out for longer: it is that much behind", () => {
    const machine = tenSecondsOld();
    comesBack(machine, 3n * S, 1, -SECOND);
    expect([machine.kvm.health.stable, machine.tsc()]).toEqual([true, 12n * SECOND]);
  });
});

describe("a step of the TSC that KVM does not look for", () => {
  it("back, on one CPU: the guest's TSC goes back with it", () => {
    const machine = tenSecondsOld();
    comesBack(machine, 0n, 0, -SECOND);
    expect([machine.kvm.health.stable, machine.tsc()]).toEqual([true, 9n * SECOND]);
  });

  it("forward, to another CPU: the guest's TSC goes on with it", () => {
    const machine = tenSecondsOld();
    comesBack(machine, 0n, 1, SECOND);
    expect([machine.kvm.health.stable, machine.tsc()]).toEqual([true, 11n * SECOND]);
  });
});

describe("on a host whose TSC is marked unstable", () => {
  it("a vCPU that is out for a second loses it, as long as its VM keeps the master clock", () => {
    const machine = tenSecondsOld();
    machine.kvm.health.markUnstable();
    const before = machine.clock();
    comesBack(machine, S, 0, 0n);
    expect(machine.tsc()).toBe(10n * SECOND);
    expect(machine.clock()).toBe(before);
    comesBack(machine, S, 0, 0n);
    expect(machine.tsc()).toBe(10n * SECOND);
  });

  it("it loses nothing by hpet: its clock is updated before it goes on, and its TSC with that", () => {
    const machine = tenSecondsOld();
    machine.kvm.health.markUnstable();
    machine.kvm.changeClocksource(HPET);
    machine.pass(0n);
    machine.vcpu.forceExit();
    machine.pass(0n);
    const before = { tsc: machine.tsc(), clock: machine.clock() };
    comesBack(machine, S, 0, 0n);
    expect(machine.tsc()).toBe(dueTsc(machine));
    // CLOCK_MONOTONIC_RAW lags the TSC by 596 ns in the first 10 s, and moves on once in 70 ns.
    expect(machine.tsc() - before.tsc - SECOND).toBe(-1_493n);
    expect(machine.clock()).toBe(machine.kvm.rawNs());
    expect(machine.clock() - before.clock - S).toBe(0n);
  });

  it("every VM's vCPUs are held to it", () => {
    const machine = tenSecondsOld();
    const other = new KvmVm(machine.kvm, { guestKhz: 2_500_000, vendor: "vmx", axes: machine.axes });
    const neighbour = addVcpu(machine.host, other, machine.axes);
    neighbour.start("spins", function* (cpu) {
      for (;;) yield cpu.run();
    });
    machine.pass(S);
    comesBack(machine, 0n, 2, -1n);
    const before = neighbour.tsc.readL1(machine.host.engine.now);
    neighbour.stop("preempted");
    machine.pass(S);
    neighbour.resume();
    expect(neighbour.tsc.readL1(machine.host.engine.now)).toBe(before);
  });

  it("a vCPU that is added is given what the clock says has passed, not the others' offset", () => {
    const machine = tenSecondsOld();
    comesBack(machine, S, 1, -3n * SECOND);
    const added = addVcpu(machine.host, machine.vm, machine.axes);
    expect(added.tsc.readL1(machine.host.engine.now)).toBe(dueTsc(machine));
    expect(machine.tsc()).toBe(10n * SECOND);
  });
});

/** docs/model/pvclock §10 (`catchupNow`). */
describe("a clock update on a master clock", () => {
  const updated = (kernel: string): OneVcpu => {
    const machine = tenSecondsOld(kernel);
    machine.kvm.health.markUnstable();
    comesBack(machine, S, 0, 0n);
    machine.vm.clock.vcpus[0]?.kvmclockCtrl();
    machine.vcpu.forceExit();
    machine.pass(0n);
    expect(machine.vm.clock.reference.useMasterClock).toBe(true);
    return machine;
  };

  it("leaves what a frozen TSC lost: it is caught up to the reference, which is as old as the VM", () => {
    expect(updated("v7.3").tsc()).toBe(10n * SECOND);
  });

  it("makes it good where it is caught up to now", () => {
    const machine = updated("v7.3 + catchup=now");
    expect(machine.tsc()).toBe(dueTsc(machine));
  });
});
