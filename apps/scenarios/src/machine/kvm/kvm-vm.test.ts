import { guestTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import { periodicTimer } from "../../programs/periodic-timer.js";
import { buildClockMachine, type ClockMachine, type ClockMachineOptions } from "../clock-machine.js";
import type { Vcpu } from "../vcpu/vcpu.js";

const S = 1_000_000_000n;
const MS = 1_000_000n;

/** A machine whose vCPUs spin, with kvmclock. */
function spinning(kernel: string, options: Partial<ClockMachineOptions> = {}): ClockMachine {
  const { axes } = parseKernel(kernel);
  const machine = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, vcpus: 2, axes, ...options });
  const guest = new GuestKvmclock(machine.vm.memory);
  for (const vcpu of machine.vm.vcpus) {
    vcpu.start("spins", function* (cpu) {
      guest.enable(cpu, vcpu.id);
      for (;;) yield cpu.run();
    });
  }
  return machine;
}

const nth = ({ vm }: ClockMachine, id: number): Vcpu => {
  const vcpu = vm.vcpus[id];
  if (vcpu === undefined) throw new Error(`no vCPU ${id}`);
  return vcpu;
};
const versions = ({ vm }: ClockMachine): readonly number[] =>
  vm.clock.vcpus.map(({ cached }) => cached.version);

describe("a VM of two vCPUs in step", () => {
  it("comes to a master clock with the reference of its creation, one of each vCPU", () => {
    const { axes } = parseKernel("v7.3");
    const machine = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, vcpus: 2, axes });
    const references: boolean[] = [];
    machine.vm.onMasterClockUpdate = ({ useMasterClock }) => references.push(useMasterClock);
    const guest = new GuestKvmclock(machine.vm.memory);
    for (const vcpu of machine.vm.vcpus) {
      vcpu.start("reads", function* (cpu) {
        guest.enable(cpu, vcpu.id);
        yield cpu.run(guestTsc(5_000n));
      });
    }
    machine.host.engine.runUntil(machine.host.tscAt(MS));
    expect(references).toEqual([true, true]);
    expect(guest.published(0).flags).toBe(1);
    expect(guest.published(0).tscTimestamp).toBe(guest.published(1).tscTimestamp);
  });

  it("kicks those that run for a new reference, and each publishes the same line", () => {
    const machine = spinning("v7.3");
    machine.host.engine.runUntil(machine.host.tscAt(S));
    const before = versions(machine);
    const kicks = nth(machine, 1).counters.exitsFor.kick ?? 0;
    machine.vm.clock.requestMasterClockUpdates();
    machine.host.engine.runUntil(machine.host.engine.now);
    expect(versions(machine).every((version, i) => version > (before[i] ?? 0))).toBe(true);
    expect(nth(machine, 1).counters.exitsFor.kick).toBeGreaterThan(kicks);
    const [first, second] = machine.vm.clock.vcpus.map(({ cached }) => cached);
    expect(first?.systemTime).toBe(second?.systemTime);
    expect(first?.tscTimestamp).toBe(2_500_000_000n);
  });
});

describe("a global clock update", () => {
  it.each([
    ["v6.18", 100n * MS],
    ["v6.19", 0n],
  ])("of %s reaches the other vCPU %i ns after the MSR was written", (kernel, delay) => {
    const machine = spinning(kernel);
    const { host, vm } = machine;
    host.engine.runUntil(host.tscAt(S));
    const [, second] = versions(machine);
    const updates = vm.globalUpdates;
    nth(machine, 0).clocks?.wrmsr(0x4b564d01, 0x1001n);
    nth(machine, 0).forceExit();
    const after = (ns: bigint): number => {
      host.engine.runUntil(host.tscAt(S + ns));
      return versions(machine)[1] ?? 0;
    };
    if (delay > 0n) expect(after(delay - 1n)).toBe(second);
    expect(after(delay)).toBe((second ?? 0) + 2);
    expect(vm.globalUpdates - updates).toBe(delay > 0n ? 1 : 0);
  });

  it.each([
    // At 300, 600 and 900 s.
    ["v6.18", 3],
    ["v6.19", 0],
  ])("is made every 300 s up to v6.18: in %s %i times in 1000 s", (kernel, times) => {
    const machine = spinning(kernel);
    machine.host.engine.runUntil(machine.host.tscAt(S));
    const before = machine.vm.globalUpdates;
    machine.host.engine.runUntil(machine.host.tscAt(1_000n * S));
    expect(machine.vm.globalUpdates - before).toBe(times);
  });
});

describe("what user space does while it holds the VM", () => {
  it("happens with every vCPU out, which go on afterwards", () => {
    const machine = spinning("v7.3");
    const states = (): readonly string[] => machine.vm.vcpus.map(({ state }) => state);
    expect(machine.vm.paused(states)).toEqual(["userspace", "userspace"]);
    expect(states()).toEqual(["guest", "guest"]);
  });

  it("leaves those out that were out, also from within another pause", () => {
    const machine = spinning("v7.3");
    nth(machine, 1).stop();
    machine.vm.paused(() => {
      machine.vm.paused(() => undefined);
      expect(nth(machine, 0).state).toBe("userspace");
    });
    expect(machine.vm.vcpus.map(({ state }) => state)).toEqual(["guest", "userspace"]);
  });

  it("leaves a vCPU preempted whose CPU another thread had taken", () => {
    const machine = spinning("v7.3");
    nth(machine, 1).stop("preempted");
    machine.vm.paused(() => undefined);
    expect(nth(machine, 1).state).toBe("preempted");
    nth(machine, 1).resume();
    expect(nth(machine, 1).state).toBe("guest");
  });

  it("lets them go on when it fails", () => {
    const machine = spinning("v7.3");
    const fails = (): never => {
      throw new Error("refused");
    };
    expect(() => machine.vm.paused(fails)).toThrow("refused");
    expect(nth(machine, 0).state).toBe("guest");
  });

  it("is not seen by a vCPU that was never started", () => {
    const { axes } = parseKernel("v7.3");
    const machine = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, axes });
    machine.vm.paused(() => undefined);
    expect(nth(machine, 0).state).toBe("host");
  });

  it("may be a new frequency: the guest's waits end by the new one", () => {
    const { axes } = parseKernel("v7.3");
    const { host, vm } = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, axes });
    const ended: bigint[] = [];
    vm.vcpus[0]?.start("waits for its TSC", function* (cpu) {
      yield cpu.run(guestTsc(5_000_000_000n));
      ended.push(host.trueNs(host.engine.now));
    });
    host.engine.runUntil(host.tscAt(S));
    vm.paused(() => vm.counters.vcpus[0]?.ioctlSetTscKhz(1_250_000n));
    host.engine.runUntil(host.tscAt(10n * S));
    // Its TSC jumped back to 1.25 · 10^9 and goes half as fast: 3.75 · 10^9 cycles more at 1.25 GHz.
    expect(ended).toEqual([4n * S]);
  });
});

describe("a vCPU's timer", () => {
  it("goes with it to another host CPU, where it expires from then on", () => {
    const { axes } = parseKernel("v7.3");
    const { host, vm } = buildClockMachine({ hostKhz: 1_000_000n, guestKhz: 0n, spareCpus: 1, axes });
    const [vcpu] = vm.vcpus;
    if (vcpu === undefined) throw new Error("no vCPU");
    const expiredOn: number[] = [];
    vcpu.apic.observer.onDelivery = (delivery) => expiredOn.push(delivery.expiredOn);
    vcpu.start("ticks", (cpu) =>
      periodicTimer(cpu, {
        count: 1_000_000,
        handlerNs: 0n,
        load: "running",
        first: "running",
        halfEnds: () => cpu.rdtsc(),
      }),
    );
    host.engine.runUntil(host.tscAt(2_500_000n));
    vcpu.moveTo(host.cpu(1));
    host.engine.runUntil(host.tscAt(5_500_000n));
    expect(expiredOn).toEqual([0, 0, 1, 1, 1]);
  });
});
