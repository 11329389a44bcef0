import { type HostTsc, hostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  counterOf,
  enterAll,
  runningVm,
  SimulatedHost,
  SimulatedMemory,
  type SimulatedVm,
  serviced,
  simulatedVm,
} from "../../test/simulated-vm.js";
import { NEWEST_PVCLOCK_BEHAVIOURS, VmKvmclock } from "../index.js";

const TSC_STABLE = 2;
const REALTIME = 4;
const HOST_TSC = 8;
const DAY_S = 86_400n;
const NSEC_PER_SEC = 1_000_000_000n;

const readFirst = (vm: SimulatedVm): bigint => vm.vcpus[0]?.readAt(vm.host.now) ?? -1n;

describe("KVM_GET_CLOCK", () => {
  it("on a master clock reads C, REALTIME and TSC from one counter read", () => {
    const vm = runningVm({ hostKhz: 3_000_000, guestKhz: 2_500_000 });
    vm.host.advance(DAY_S);
    const { clock, flags, realtime, hostTsc } = vm.clock.getClock();
    expect([clock, flags, hostTsc]).toEqual([
      86_399_999_979_883n,
      TSC_STABLE | REALTIME | HOST_TSC,
      3_000_000_000n * DAY_S,
    ]);
    expect(realtime).toBe(1_700_000_000n * NSEC_PER_SEC + 86_399_994_850_158n);
  });

  it("says TSC_STABLE alone, with a TSC of its own, while the host's clocksource just left the TSC", () => {
    const vm = runningVm();
    vm.host.advance(1n);
    vm.host.vclockMode = "none";
    const { flags, realtime, hostTsc } = vm.clock.getClock();
    expect([flags, realtime, hostTsc]).toEqual([TSC_STABLE, 0n, 2_500_000_000n]);
  });

  it("falls back to A while the CPU's frequency is not known", () => {
    const vm = runningVm();
    vm.host.advance(1n);
    vm.host.khz = 0;
    expect(vm.clock.getClock()).toMatchObject({ clock: 999_999_940n, flags: 0 });
  });

  it("takes a TSC behind the timekeeper's last update for that update", () => {
    const vm = runningVm();
    vm.host.advance(10n);
    const ticked = vm.host.copy();
    vm.host.copy = () => ticked;
    vm.host.now = (vm.host.now - 5_000n) as HostTsc;
    expect(vm.clock.getClock().hostTsc).toBe(25_000_000_000n);
  });

  it("tells when CLOCK_REALTIME wrapped in KVM's copy", () => {
    const told: string[] = [];
    const vm = runningVm({ events: { onCopyWrapped: () => told.push("wrapped") } });
    const asleep = vm.host.copy();
    vm.host.copy = () => asleep;
    vm.host.advance(1_101n);
    vm.clock.getClock();
    expect(told).toEqual(["wrapped"]);
  });

  it("by way of the guest's TSC agrees with every vCPU whose scale is the first one's", () => {
    const vm = runningVm({
      hostKhz: 2_900_000,
      guestKhz: 2_500_000,
      behaviours: { getClock: "via-guest-tsc" },
    });
    vm.host.advance(DAY_S);
    expect(vm.clock.getClock().clock).toBe(readFirst(vm));
  });
});

describe("KVM_SET_CLOCK", () => {
  it("puts the clock at the value at a new reference, and every vCPU's with it", () => {
    const vm = runningVm({ vcpus: 2 });
    vm.host.advance(DAY_S);
    expect(vm.clock.setClock({ clock: 5n })).toBe(0);
    enterAll(vm);
    expect(vm.vcpus.map((vcpu) => vcpu.cached.systemTime)).toEqual([5n, 5n]);
    expect(readFirst(vm)).toBe(5n);
    expect(vm.clock.reference.hostTsc).toBe(2_500_000_000n * DAY_S);
  });

  it("with REALTIME adds what passed since, and ends up ahead by the gap of its own samples", () => {
    const vm = runningVm();
    vm.host.advance(10n);
    const { clock, realtime } = vm.clock.getClock();
    vm.host.advance(5n);
    vm.host.sampleGap = 2_500n;
    expect(vm.clock.setClock({ clock, realtime, flags: REALTIME })).toBe(0);
    vm.host.sampleGap = 0n;
    enterAll(vm);
    // The reference is 1 µs after the 15 s, REALTIME read 1 µs after that.
    expect(vm.vcpus[0]?.cached.systemTime).toBe(clock + 4_999_999_702n + 2_000n);
  });

  it("with REALTIME never moves the clock back", () => {
    const vm = runningVm();
    const realtime = 2n ** 63n;
    vm.clock.setClock({ clock: 77n, realtime, flags: REALTIME });
    enterAll(vm);
    expect(readFirst(vm)).toBe(77n);
  });

  it("without a master clock counts from the host's clock now", () => {
    const vm = simulatedVm();
    vm.host.vclockMode = "none";
    vm.host.advance(10n);
    vm.clock.setClock({ clock: 1_000n });
    expect(vm.clock.getClock().clock).toBe(1_000n);
    vm.host.advance(1n);
    expect(vm.clock.getClock().clock).toBe(1_000n + 999_999_941n);
  });

  it.each([
    ["1", 1, -22],
    ["16", 16, -22],
    ["0x80000000", 0x8000_0000, -22],
    ["TSC_STABLE", TSC_STABLE, 0],
    ["HOST_TSC", HOST_TSC, 0],
  ])("with flags %s returns %i → %i, and refused changes nothing", (_name, flags, result) => {
    const vm = runningVm();
    vm.host.advance(1n);
    const before = vm.clock.state();
    expect(vm.clock.setClock({ clock: 5n, flags })).toBe(result);
    if (result !== 0) expect(vm.clock.state()).toEqual(before);
  });

  it("of what GET_CLOCK just gave moves a scaled guest back by B − C", () => {
    const vm = runningVm({ hostKhz: 3_000_000, guestKhz: 2_500_000 });
    vm.host.advance(DAY_S);
    const before = readFirst(vm);
    vm.clock.setClock(vm.clock.getClock());
    enterAll(vm);
    expect(readFirst(vm) - before).toBe(-34_575_350n);
  });

  it("stores the offset mod 2^64: a clock near the end wraps", () => {
    const vm = runningVm();
    vm.clock.setClock({ clock: 2n ** 64n - 1n });
    expect(vm.clock.kvmclockOffset).toBe(-1n);
    enterAll(vm);
    vm.host.advance(1n);
    expect(readFirst(vm)).toBe(999_999_998n);
  });
});

describe("KVM_GET_CLOCK_GUEST and KVM_SET_CLOCK_GUEST (proposed)", () => {
  it("move a clock to another host within 1 ns, where SET_CLOCK loses B − C", () => {
    const source = runningVm({ hostKhz: 2_900_000, guestKhz: 2_500_000 });
    source.host.advance(3600n);
    const [vcpu] = source.vcpus;
    const saved = vcpu && source.clock.getClockGuest(vcpu);
    if (typeof saved !== "object") throw new TypeError("expected a structure, got an error");
    const guestTsc = counterOf(source, 0).readL1(source.host.now);

    const target = runningVm({ hostKhz: 3_100_000, guestKhz: 2_500_000 });
    target.host.advance(1_000n);
    const counter = counterOf(target, 0);
    counter.writeL1Offset(counter.offsetFor(guestTsc, target.host.now));
    const [restored] = target.vcpus;
    expect(restored && target.clock.setClockGuest(restored, saved)).toBe(0);
    enterAll(target);
    const moved = readFirst(target) - readFirst(source);
    expect(moved >= -1n && moved <= 1n).toBe(true);
  });

  it("round trip on one host without a change", () => {
    const vm = runningVm({ hostKhz: 3_000_000, guestKhz: 2_500_000 });
    const [vcpu] = vm.vcpus;
    vm.host.advance(DAY_S);
    const before = readFirst(vm);
    const saved = vcpu && vm.clock.getClockGuest(vcpu);
    if (vcpu && typeof saved === "object") expect(vm.clock.setClockGuest(vcpu, saved)).toBe(0);
    enterAll(vm);
    expect(readFirst(vm)).toBe(before);
  });

  it("bring a clock up to date that an update is pending for", () => {
    const vm = runningVm();
    const [vcpu] = vm.vcpus;
    vm.host.advance(DAY_S);
    vm.clock.updateMasterClock();
    expect(vcpu && vm.clock.getClockGuest(vcpu)).toMatchObject({ systemTime: 86_399_994_850_158n });
    expect(vcpu?.requests).toEqual([]);
  });

  const good = { version: 2, tscTimestamp: 0n, systemTime: 9n, flags: 1 };
  const rate = { tscToSystemMul: 3_435_973_836, tscShift: -1 };

  it.each([
    ["as it is", { ...good, ...rate }, 0],
    ["a multiplier of 0", { ...good, ...rate, tscToSystemMul: 0 }, -22],
    ["a shift of 32", { ...good, ...rate, tscShift: 32 }, -22],
    ["a shift of −32", { ...good, ...rate, tscShift: -32 }, -22],
    ["a TSC still to come", { ...good, ...rate, tscTimestamp: 2_500_000_001n }, -22],
    ["a TSC reached just now", { ...good, ...rate, tscTimestamp: 2_500_000_000n }, 0],
    ["2 499 999 kHz", { ...good, ...rate, tscToSystemMul: 3_435_975_211 }, 0],
    ["2 499 998 kHz", { ...good, ...rate, tscToSystemMul: 3_435_976_586 }, -34],
    ["2 500 002 kHz", { ...good, ...rate, tscToSystemMul: 3_435_971_088 }, -34],
    ["twice the frequency", { ...good, ...rate, tscShift: -2 }, -34],
    ["1.25 GHz by a shift to the left", { ...good, tscToSystemMul: 3_435_973_836, tscShift: 0 }, -34],
    ["2.5 GHz by a shift to the left", { ...good, tscToSystemMul: 858_993_459, tscShift: 1 }, 0],
  ])("SET judges %s", (_title, info, result) => {
    const vm = runningVm();
    vm.host.advance(1n);
    const [vcpu] = vm.vcpus;
    expect(vcpu && vm.clock.setClockGuest(vcpu, info)).toBe(result);
  });

  it("are refused without a master clock", () => {
    const vm = simulatedVm();
    const [vcpu] = vm.vcpus;
    expect(vcpu && vm.clock.getClockGuest(vcpu)).toBe(-22);
    expect(vcpu && vm.clock.setClockGuest(vcpu, { ...good, ...rate })).toBe(-22);
  });
});

describe("the wall-clock epoch", () => {
  it("is what CLOCK_REALTIME was when the guest's clock was 0, by the host's idea of it", () => {
    const vm = runningVm();
    vm.host.advance(DAY_S);
    expect(vm.clock.wallClockEpochNs()).toBe(1_700_000_000n * NSEC_PER_SEC - 5_129_725n);
  });

  it("without a master clock has the gap between two samples in it", () => {
    const vm = simulatedVm();
    vm.host.vclockMode = "none";
    vm.host.advance(1n);
    vm.host.sampleGap = 25_000n;
    // REALTIME first, the guest's clock 10 µs later.
    expect(vm.clock.wallClockEpochNs()).toBe(1_700_000_000n * NSEC_PER_SEC - 10_000n);
  });
});

/** The formulas of docs/model/pvclock §2 written over integers without a width, mod 2^64 at the end. */
describe("against a model without widths", () => {
  const scale = (hz: bigint): { mul: bigint; shift: bigint } => {
    // The pair for frequencies of 1 … 4 GHz: one bit is dropped where the counter is faster than 2 GHz or 1 GHz.
    const shift = hz > 2_000_000_000n ? -1n : hz > 1_000_000_000n ? 0n : 1n;
    const base = shift === -1n ? hz / 2n : shift === 0n ? hz : hz * 2n;
    return { mul: (NSEC_PER_SEC << 32n) / base, shift };
  };
  const ns = (cycles: bigint, hz: bigint): bigint => {
    const { mul, shift } = scale(hz);
    return ((shift < 0n ? cycles / 2n : cycles << shift) * mul) >> 32n;
  };

  it("a guest reads B and its host C, at every pair of frequencies and age", () => {
    const khz = fc.integer({ min: 1_000_001, max: 3_999_999 });
    const seconds = fc.bigInt({ min: 0n, max: 100_000n });
    fc.assert(
      fc.property(
        khz,
        khz,
        seconds,
        fc.bigInt({ min: 0n, max: 2n ** 40n }),
        (hostKhz, guestKhz, age, clock) => {
          const vm = runningVm({ hostKhz, guestKhz, vendor: "svm" });
          vm.clock.setClock({ clock });
          enterAll(vm);
          vm.host.advance(age);
          const cycles = vm.host.now;
          const isScaled = counterOf(vm, 0).l1Ratio !== 2n ** 32n;
          const ratio = (BigInt(guestKhz) << 32n) / BigInt(hostKhz);
          const guestHz = isScaled ? ((BigInt(hostKhz) * ratio) >> 32n) * 1000n : BigInt(hostKhz) * 1000n;
          const guestCycles = isScaled ? (cycles * ratio) >> 32n : cycles;
          expect(readFirst(vm)).toBe(clock + ns(guestCycles, guestHz));
          expect(vm.clock.getClock().clock).toBe(clock + ns(cycles, BigInt(hostKhz) * 1000n));
        },
      ),
    );
  });
});

describe("a caller's mistakes", () => {
  const vm = runningVm();
  const other = runningVm();
  const options = { host: new SimulatedHost(1_000_000), memory: new SimulatedMemory(), tsc: vm.tsc };
  const wrong = undefined as never;
  const unknownKhz = () => {
    const { host, clock } = runningVm();
    host.khz = 0;
    return clock;
  };

  it.each([
    ["no options", () => new VmKvmclock(wrong), TypeError],
    ["no host", () => new VmKvmclock({ ...options, host: wrong }), TypeError],
    ["no memory", () => new VmKvmclock({ ...options, memory: wrong }), TypeError],
    ["no counters", () => new VmKvmclock({ ...options, tsc: wrong }), TypeError],
    [
      "an axis missing",
      () => new VmKvmclock({ ...options, behaviours: { ...NEWEST_PVCLOCK_BEHAVIOURS, base: wrong } }),
      RangeError,
    ],
    ["a vCPU without a counter", () => vm.clock.addVcpu(wrong), TypeError],
    ["a vCPU id that is none", () => vm.clock.addVcpu(counterOf(vm, 0), -1), RangeError],
    ["a TSC that is no bigint", () => vm.clock.kvmclockAt(wrong), TypeError],
    [
      "a reading while the host's frequency is not known",
      () => unknownKhz().kvmclockAt(hostTsc(0n)),
      RangeError,
    ],
    ["a setting that is none", () => vm.clock.setClock(wrong), TypeError],
    ["a clock beyond 64 bits", () => vm.clock.setClock({ clock: 2n ** 64n }), RangeError],
    ["a REALTIME before 1970", () => vm.clock.setClock({ clock: 0n, realtime: -1n }), RangeError],
    ["flags that are no u32", () => vm.clock.setClock({ clock: 0n, flags: 2 ** 32 }), RangeError],
    ["another VM's vCPU to save", () => vm.clock.getClockGuest(other.vcpus[0] ?? wrong), RangeError],
    [
      "another VM's vCPU to restore",
      () => vm.clock.setClockGuest(other.vcpus[0] ?? wrong, wrong),
      RangeError,
    ],
    ["a structure that is none", () => vm.clock.setClockGuest(vm.vcpus[0] ?? wrong, wrong), TypeError],
  ])("%s throws", (_title, mistake, type) => {
    expect(mistake).toThrow(type);
  });
});

it("a clock update that was asked for twice is done once", () => {
  const vm = runningVm();
  const [vcpu] = vm.vcpus;
  vcpu?.request("clock-update");
  if (vcpu) serviced(vcpu, "clock-update");
  expect(vm.log.filter((entry) => entry === "clock update 0")).toHaveLength(1);
});
