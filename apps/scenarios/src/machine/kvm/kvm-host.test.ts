import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import { periodicTimer } from "../../programs/periodic-timer.js";
import { buildClockMachine, type ClockMachine } from "../clock-machine.js";
import { HPET } from "../host/chipset-counter.js";
import type { HostSleep } from "../host/host-sleep.js";
import { buildLapicMachine } from "../lapic-machine.js";
import type { Vcpu } from "../vcpu/vcpu.js";

const S = 1_000_000_000n;
const D = 3_600n * S;
const { axes } = parseKernel("v7.3");
const RESET: HostSleep["tsc"] = { resetTo: 5_000_000_000n };

const spins = (vcpu: Vcpu, guest: GuestKvmclock): void =>
  vcpu.start("spins", function* (cpu) {
    guest.enable(cpu, vcpu.id);
    for (;;) yield cpu.run();
  });

/** Two vCPUs that spin, with kvmclock, at 3000 s: host TSC 9·10^12. */
const machine = (vcpus = 2): ClockMachine & { readonly guest: GuestKvmclock } => {
  const built = buildClockMachine({ hostKhz: 3_000_000n, guestKhz: 2_500_000n, vcpus, axes });
  const guest = new GuestKvmclock(built.vm.memory);
  for (const vcpu of built.vm.vcpus) spins(vcpu, guest);
  built.host.engine.runUntil(built.host.tscAt(3_000n * S));
  return { ...built, guest };
};

const guestTscs = ({ vm, host }: ClockMachine): readonly bigint[] =>
  vm.counters.vcpus.map((counter) => counter.readL1(host.engine.now));
const clocks = ({ vm, host }: ClockMachine): readonly bigint[] =>
  vm.clock.vcpus.map((clock) => clock.readAt(host.engine.now));
const gains = (before: readonly bigint[], after: readonly bigint[]): readonly bigint[] =>
  after.map((value, i) => value - (before[i] ?? 0n));
const first = (built: ClockMachine): Vcpu => {
  const [vcpu] = built.vm.vcpus;
  if (vcpu === undefined) throw new Error("no vCPU");
  return vcpu;
};

/** docs/model/scenarios-clock §S7, with docs/model/clocksource-tsc §6.6. */
describe("a guest over a sleep of its host", () => {
  it("has slept where the TSC counts on: its TSC and its clock go on with it", () => {
    const built = machine();
    const [tscs, ns] = [guestTscs(built), clocks(built)];
    expect(built.kvm.sleep({ ns: D, tsc: "counts" })).toBe(0n);
    expect(gains(tscs, guestTscs(built))).toEqual([9_000_000_000_000n, 9_000_000_000_000n]);
    // 399.94 ppb fast.
    for (const gain of gains(ns, clocks(built))) expect(gain - D).toBe(1_439_802n);
    expect(built.vm.clock.reference.useMasterClock).toBe(true);
  });

  it("has not where the TSC stopped, until a new reference gives its clock the hour at once", () => {
    const built = machine();
    const [tscs, ns] = [guestTscs(built), clocks(built)];
    expect(built.kvm.sleep({ ns: D, tsc: "stops" })).toBe(0n);
    expect(gains(tscs, guestTscs(built))).toEqual([0n, 0n]);
    expect(gains(ns, clocks(built))).toEqual([0n, 0n]);
    built.vm.clock.requestMasterClockUpdates();
    built.host.engine.runUntil(built.host.engine.now);
    // Less what it had run ahead in 3000 s.
    for (const gain of gains(ns, clocks(built))) expect(gain - D).toBe(-1_378_647n);
    expect(built.vm.clock.reference.useMasterClock).toBe(true);
  });

  it("keeps its TSC where the host's began anew, has its clock brought up, and loses its master clock", () => {
    const built = machine();
    const { vm, kvm, host } = built;
    const [tscs, ns] = [guestTscs(built), clocks(built)];
    const offsets = vm.counters.vcpus.map(({ l1Offset }) => l1Offset);
    expect(kvm.sleep({ ns: D, tsc: RESET })).toBe(8_995_000_000_000n);
    for (const [i, { l1Offset }] of vm.counters.vcpus.entries())
      expect(l1Offset - (offsets[i] ?? 0n)).toBe(7_495_833_333_333n);
    // Both floors, of what is left and of what was added.
    expect(gains(tscs, guestTscs(built))).toEqual([0n, 0n]);
    for (const gain of gains(ns, clocks(built))) expect(gain - D).toBe(-1_378_647n);
    expect(vm.counters.backwardsTscObserved).toBe(true);
    const { last } = vm.counters.state();
    expect([last.ns, last.write]).toEqual(["0", "0"]);
    vm.clock.requestMasterClockUpdates();
    host.engine.runUntil(host.tscAt(6_700n * S));
    expect(vm.clock.reference.useMasterClock).toBe(false);
  });

  it("that halts is frozen too: KVM knows its TSC from the moment of the sleep, not of the halt", () => {
    const built = buildClockMachine({ hostKhz: 3_000_000n, guestKhz: 2_500_000n, axes });
    first(built).start("halts", function* (cpu) {
      yield cpu.halt();
    });
    built.host.engine.runUntil(built.host.tscAt(3_000n * S));
    const before = guestTscs(built);
    expect(built.kvm.sleep({ ns: D, tsc: RESET })).toBe(8_995_000_000_000n);
    expect(gains(before, guestTscs(built))).toEqual([0n]);
    expect(first(built).state).toBe("blocked");
  });

  it("that user space had stopped stays stopped", () => {
    const built = machine();
    first(built).stop();
    built.kvm.sleep({ ns: D, tsc: "counts" });
    expect(built.vm.vcpus.map(({ state }) => state)).toEqual(["userspace", "guest"]);
    first(built).resume();
    expect(first(built).state).toBe("guest");
  });

  it("that was never started is left alone", () => {
    const built = buildClockMachine({ hostKhz: 3_000_000n, guestKhz: 0n, axes });
    built.host.engine.runUntil(built.host.tscAt(S));
    built.kvm.sleep({ ns: D, tsc: RESET });
    expect(first(built).state).toBe("host");
    spins(first(built), new GuestKvmclock(built.vm.memory));
    expect(first(built).state).toBe("guest");
  });

  it("of several VMs on one host: each is given what the latest of all vCPUs lost", () => {
    const built = machine(1);
    const other = buildClockMachine({ hostKhz: 3_000_000n, guestKhz: 2_500_000n, axes }).vm;
    // A VM whose vCPU ran for the last time an hour of cycles before.
    const [counter] = other.counters.vcpus;
    other.counters.load(counter ?? other.counters.createVcpu(), 0);
    built.kvm.add(other);
    built.kvm.sleep({ ns: D, tsc: RESET });
    expect(other.counters.backwardsTscObserved).toBe(true);
    expect(counter?.offsetAdjustment).toBe(8_995_000_000_000n);
  });

  it("sleeps again and again: what was lost adds up, the guest's TSC goes on", () => {
    const built = machine();
    const before = guestTscs(built);
    for (let i = 0; i < 3; i++) {
      built.kvm.sleep({ ns: D, tsc: { resetTo: 1_000n } });
      built.host.engine.spend(3_000_000n);
    }
    // 3·2.5·10^6 cycles awake; each of 3 scalings of what was lost floors.
    for (const gain of gains(before, guestTscs(built))) {
      expect(gain <= 7_500_000n && gain >= 7_500_000n - 6n).toBe(true);
    }
  });
});

describe("a guest's periodic timer over a sleep of its host", () => {
  const PERIOD = 10_000_000n;
  const halted = { load: "idle", first: "idle" } as const;
  const spinning = { load: "running", first: "running" } as const;

  it.each([
    ["counts on", "halts", "counts", halted],
    ["counts on", "spins", "counts", spinning],
    ["stops", "halts", "stops", halted],
    ["stops", "spins", "stops", spinning],
    ["begins anew", "halts", RESET, halted],
    ["begins anew", "spins", RESET, spinning],
  ] as const)(
    "whose TSC %s, in a guest that %s, makes up for nothing and goes on",
    (_tsc, _guest, tsc, load) => {
      const built = buildClockMachine({ hostKhz: 3_000_000n, guestKhz: 2_500_000n, axes });
      const { host, kvm } = built;
      const vcpu = first(built);
      const { counters } = vcpu;
      const options = {
        count: Number(PERIOD),
        handlerNs: 0n,
        halfEnds: () => vcpu.tsc.readL1(host.engine.now),
      };
      vcpu.start("ticks", (cpu) => periodicTimer(cpu, { ...options, ...load }));
      const HALF = PERIOD / 2n;
      host.engine.runUntil(host.tscAt(S + HALF));
      const { seen, cb } = counters;
      expect(seen).toBe(100);
      kvm.sleep({ ns: D, tsc });
      const woken = host.trueNs(host.engine.now);
      host.engine.runUntil(host.tscAt(woken + HALF - 1_000n));
      expect(counters.seen - seen).toBe(0);
      host.engine.runUntil(host.tscAt(woken + HALF + 1_000n));
      expect(counters.seen - seen).toBe(1);
      host.engine.runUntil(host.tscAt(woken + HALF + 99n * PERIOD + 10_000n));
      expect(counters.seen - seen).toBe(100);
      expect(counters.cb - cb).toBe(100);
    },
  );
});

it("a halted vCPU that is taken out as it wakes up for nothing hears its next timer all the same", () => {
  const free = { exitCost: 0n, entryCost: 0n, immediateExitCost: 0n, callbackCost: 0n, minDelta: 0n };
  const oneGHz = { hostKhz: 1_000_000n, hostHz: S, guestKhz: 1_000_000n, monoRatePpb: 0n, busNs: 1n };
  const { host, vcpu } = buildLapicMachine({
    ...oneGHz,
    ...free,
    wakeCost: 50_000n,
    preemptionTimer: "absent",
    clock: "tsc",
    axes,
  });
  const options = { count: 1_000_000, handlerNs: 0n, load: "idle", first: "idle" } as const;
  vcpu.start("ticks", (cpu) => periodicTimer(cpu, { ...options, halfEnds: () => cpu.rdtsc() }));
  host.engine.runUntil(host.tscAt(2_500_000n));
  vcpu.wake();
  vcpu.stop();
  host.sleep({ ns: D, tsc: { resetTo: 0n } });
  vcpu.resume();
  host.engine.runUntil(host.tscAt(D + 3_049_999n));
  expect(vcpu.counters.seen).toBe(2);
  host.engine.runUntil(host.tscAt(D + 3_050_000n));
  expect(vcpu.counters.seen).toBe(3);
});

describe("the host's clocksource", () => {
  it("takes the master clock with it when it is no TSC, and does not bring it back", () => {
    const built = machine();
    const { kvm, host, vm } = built;
    kvm.changeClocksource(HPET);
    host.engine.runUntil(host.tscAt(3_001n * S));
    expect(vm.clock.vcpus.map(({ requests }) => requests)).toEqual([
      ["masterclock-update"],
      ["masterclock-update"],
    ]);
    for (const vcpu of vm.vcpus) vcpu.forceExit();
    host.engine.runUntil(host.tscAt(3_002n * S));
    expect(vm.clock.reference.useMasterClock).toBe(false);
    kvm.changeClocksource("tsc");
    host.engine.runUntil(host.tscAt(3_003n * S));
    for (const vcpu of vm.vcpus) vcpu.forceExit();
    host.engine.runUntil(host.tscAt(3_004n * S));
    expect(vm.clock.reference.useMasterClock).toBe(false);
    vm.clock.requestMasterClockUpdates();
    host.engine.runUntil(host.tscAt(3_005n * S));
    expect(vm.clock.reference.useMasterClock).toBe(true);
  });

  it("is told of once, however many updates the timekeeper makes before KVM's work runs", () => {
    const built = machine();
    const { kvm, host } = built;
    kvm.changeClocksource(HPET);
    host.clock.timekeeper.tick();
    host.clock.timekeeper.tick();
    const names: string[] = [];
    const { timeline } = host;
    while (timeline.nextAt === host.engine.now) {
      timeline.run();
      names.push("run");
    }
    expect(names).toHaveLength(1);
  });

  it("of the chipset is one a host can sleep on as well", () => {
    const built = machine();
    built.kvm.changeClocksource(HPET);
    const before = built.host.clock.monotonicNs();
    built.kvm.sleep({ ns: D, tsc: RESET });
    expect(built.host.clock.monotonicNs()).toBe(before);
    built.host.engine.runUntil(built.host.tscAt(6_700n * S));
    const slow = built.host.clock.monotonicNs() - before - 100n * S;
    // A count of 14.3 MHz at either end, and what its mult rounds.
    expect(slow >= -200n && slow <= 200n).toBe(true);
  });
});
