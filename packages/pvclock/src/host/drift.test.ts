import { hostTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { counterOf, enterAll, runningVm } from "../../test/simulated-vm.js";

const DAY_S = 86_400n;

/** How far the guest's clock is ahead of the host's reading of it after a day; docs/model/pvclock §6. */
describe("B − C per day", () => {
  it.each([
    [3_000_000, 2_500_000, "vmx", 34_575_350n],
    [3_000_000, 2_500_000, "svm", 34_567_303n],
    [2_400_000, 2_500_000, "vmx", 34_563_280n],
    [2_400_000, 2_500_000, "svm", 34_550_405n],
    [2_900_000, 2_500_000, "vmx", 34_556_239n],
    [2_900_000, 2_500_000, "svm", 34_537_732n],
    [2_500_000, 2_000_000, "vmx", 43_190_270n],
    [2_500_000, 2_000_000, "svm", 43_170_154n],
    [2_600_000, 1_950_000, "vmx", 13_075n],
    [2_600_000, 1_950_000, "svm", 13_075n],
    [3_000_000, 2_250_000, "vmx", 7_544n],
    [2_500_000, 3_125_000, "svm", 6_286n],
    [2_000_000, 2_500_000, "vmx", -20_117n],
    [3_200_000, 2_500_000, "svm", -20_117n],
    [2_400_000, 3_000_000, "vmx", -12_070n],
    [3_000_000, 1_500_000, "vmx", 0n],
    [2_900_000, 1_450_000, "svm", 0n],
    [2_500_000, 2_500_000, "vmx", 0n],
  ] as const)("%i → %i kHz on %s", (hostKhz, guestKhz, vendor, ahead) => {
    const vm = runningVm({ hostKhz, guestKhz, vendor });
    vm.host.advance(DAY_S);
    expect(vm.vcpus[0]?.aheadOfHostNs(vm.host.now)).toBe(ahead);
  });

  it.each([
    [3_000_000, 2_500_000, "vmx", 75_436n],
    [3_000_000, 2_500_000, "svm", 67_390n],
    [2_400_000, 2_500_000, "vmx", 63_366n],
    [2_400_000, 2_500_000, "svm", 50_492n],
  ] as const)("with the frequency in Hz, %i → %i kHz on %s", (hostKhz, guestKhz, vendor, ahead) => {
    const vm = runningVm({ hostKhz, guestKhz, vendor, behaviours: { guestKhz: "hz" } });
    vm.host.advance(DAY_S);
    expect(vm.vcpus[0]?.aheadOfHostNs(vm.host.now)).toBe(ahead);
  });

  it.each([
    [3_000_000, 2_500_000, "vmx"],
    [2_400_000, 2_500_000, "svm"],
    [2_600_000, 1_950_000, "vmx"],
  ] as const)(
    "is 0 at every hour when the host reads via the guest's TSC, %i → %i kHz on %s",
    (hostKhz, guestKhz, vendor) => {
      const vm = runningVm({ hostKhz, guestKhz, vendor, behaviours: { getClock: "via-guest-tsc" } });
      for (let hour = 0; hour < 24; hour++) {
        vm.host.advance(3600n);
        expect(vm.vcpus[0]?.aheadOfHostNs(vm.host.now)).toBe(0n);
      }
    },
  );
});

/** What a new reference does to a guest's clock after a day; docs/model/scenarios-clock §S3. */
describe("the yank", () => {
  it.each([
    [2_500_000, 2_500_000, -5_129_725n],
    [2_400_000, 2_400_000, 4_127_920n],
    [2_000_000, 2_000_000, 0n],
    [3_000_000, 2_500_000, -39_705_075n],
    [2_400_000, 2_500_000, -30_435_360n],
    [2_900_000, 2_500_000, -33_010_281n],
    [2_600_000, 1_950_000, -5_138_777n],
  ])("%i → %i kHz jumps", (hostKhz, guestKhz, jump) => {
    const vm = runningVm({ hostKhz, guestKhz, vcpus: 2 });
    const [first, second] = vm.vcpus;
    vm.host.advance(DAY_S);
    const before = first?.readAt(vm.host.now) ?? 0n;
    expect(second?.readAt(vm.host.now)).toBe(before);

    first?.request("masterclock-update");
    enterAll(vm);
    expect((first?.readAt(vm.host.now) ?? 0n) - before).toBe(jump);
    expect(second?.readAt(vm.host.now)).toBe(first?.readAt(vm.host.now));
    expect(first?.cached.flags).toBe(1);
  });

  it("happens once, however often a reference is taken at one instant", () => {
    const vm = runningVm({ vcpus: 4 });
    vm.host.advance(DAY_S);
    vm.clock.requestMasterClockUpdates();
    const readings = vm.vcpus.map((vcpu) => {
      vcpu.serviceRequests();
      return vcpu.readAt(vm.host.now);
    });
    expect(new Set(readings)).toEqual(new Set([readings[0]]));
    expect(vm.log.filter((entry) => entry === "master clock on")).toHaveLength(4);
  });

  it("costs one reference for all requests when siblings' requests are cleared", () => {
    const vm = runningVm({ vcpus: 4, behaviours: { masterClockRequests: "once" } });
    vm.clock.requestMasterClockUpdates();
    enterAll(vm);
    expect(vm.log.filter((entry) => entry === "master clock on")).toHaveLength(1);
    expect(vm.log.filter((entry) => entry.startsWith("clock update"))).toHaveLength(4);
  });

  it("is 1 654 377 ns back after an hour at 3.0 → 2.5 GHz", () => {
    const vm = runningVm({ hostKhz: 3_000_000, guestKhz: 2_500_000, behaviours: { xenMapYank: "yank" } });
    const [vcpu] = vm.vcpus;
    vm.host.advance(3600n);
    const before = vcpu?.readAt(vm.host.now) ?? 0n;
    vm.clock.noteXenSharedInfo();
    enterAll(vm);
    expect((vcpu?.readAt(vm.host.now) ?? 0n) - before).toBe(-1_654_377n);
  });

  it("does not happen at a mapping of shared_info from v7.3 on", () => {
    const vm = runningVm({ behaviours: { xenMapYank: "none" } });
    vm.clock.noteXenSharedInfo();
    expect(vm.log).toEqual([]);
  });
});

/** Host TSC of the first instant at which the guest is 3243 ns ahead; docs/model/scenarios-clock §S1.a and §S1.b. */
describe("the 3243 ns of the report", () => {
  it.each([
    [3_000_000, 2_500_000, "vmx", 24_304_851_759n],
    [3_000_000, 2_500_000, "svm", 24_310_852_587n],
    [2_400_000, 2_500_000, "vmx", 19_448_682_077n],
    [2_400_000, 2_500_000, "svm", 19_455_883_061n],
    [2_900_000, 2_500_000, "vmx", 23_504_841_453n],
    [2_900_000, 2_500_000, "svm", 23_517_893_277n],
    [2_600_000, 1_950_000, "vmx", 55_712_302_497_794n],
    [3_000_000, 2_250_000, "vmx", 111_424_336_560_134n],
    [2_500_000, 3_125_000, "vmx", 111_426_474_999_997n],
    [1_920_000, 2_400_000, "vmx", 111_424_339_199_999n],
  ] as const)("at %i → %i kHz on %s come at host TSC %i", (hostKhz, guestKhz, vendor, at) => {
    const [vcpu] = runningVm({ hostKhz, guestKhz, vendor }).vcpus;
    expect([vcpu?.aheadOfHostNs(hostTsc(at - 1n)), vcpu?.aheadOfHostNs(hostTsc(at))]).toEqual([3242n, 3243n]);
  });

  it.each([
    [3_000_000, 2_500_000, "vmx", 24_304_851_759n, 24_316_853_401n],
    [3_000_000, 2_500_000, "svm", 24_310_852_587n, 24_319_853_816n],
    [2_400_000, 2_500_000, "vmx", 19_448_682_077n, 19_459_483_537n],
    [2_400_000, 2_500_000, "svm", 19_455_883_061n, 19_466_684_521n],
    [2_900_000, 2_500_000, "vmx", 23_504_841_453n, 23_519_343_405n],
    [2_900_000, 2_500_000, "svm", 23_517_893_277n, 23_532_395_229n],
  ] as const)(
    "at %i → %i kHz on %s come first at %i and stay from %i on: two floors interleave between",
    (hostKhz, guestKhz, vendor, first, forGood) => {
      const [vcpu] = runningVm({ hostKhz, guestKhz, vendor }).vcpus;
      const isReached = (tsc: bigint): boolean => (vcpu?.aheadOfHostNs(hostTsc(tsc)) ?? 0n) >= 3243n;
      const reached = (from: bigint): Set<boolean> =>
        new Set(Array.from({ length: 5_000 }, (_, i) => isReached(from + BigInt(i))));
      expect([isReached(first), isReached(forGood - 1n)]).toEqual([true, false]);
      expect(reached(first - 5_000n)).toEqual(new Set([false]));
      expect(reached(first)).toEqual(new Set([true, false]));
      expect(reached(forGood)).toEqual(new Set([true]));
    },
  );

  it.each([
    [3_000_000, 2_500_000, 11_145_440_133_121n],
    [2_400_000, 2_500_000, 10_611_791_999_999n],
  ])("with the frequency in Hz at %i → %i kHz at host TSC %i", (hostKhz, guestKhz, at) => {
    const [vcpu] = runningVm({ hostKhz, guestKhz, behaviours: { guestKhz: "hz" } }).vcpus;
    expect([vcpu?.aheadOfHostNs(hostTsc(at - 1n)), vcpu?.aheadOfHostNs(hostTsc(at))]).toEqual([3242n, 3243n]);
  });

  it("are 3243 early after 13 928 s at 2.0 → 2.5 GHz", () => {
    const [vcpu] = runningVm({ hostKhz: 2_000_000, guestKhz: 2_500_000 }).vcpus;
    expect(vcpu?.aheadOfHostNs(hostTsc(27_856_000_000_000n))).toBe(-3243n);
  });
});

it("a guest that migrates after an hour is saved 1 439 843 ns behind what it reads (§S4)", () => {
  const vm = runningVm({ hostKhz: 2_900_000, guestKhz: 2_500_000 });
  vm.host.now = hostTsc(240_120_000_000_000n);
  counterOf(vm, 0).writeL1Offset(BigInt.asUintN(64, -206_999_999_999_999n));
  vm.clock.setClock({ clock: 0n });
  enterAll(vm);
  vm.host.now = hostTsc(250_560_000_000_000n);
  expect(counterOf(vm, 0).readL1(vm.host.now)).toBe(9_000_000_000_000n);
  expect(vm.clock.getClock().clock).toBe(3_599_999_999_958n);
  expect(vm.vcpus[0]?.readAt(vm.host.now)).toBe(3_600_001_439_801n);
});

/** docs/model/scenarios-clock §S7: the boot offset grows by the sleep, the TSC stops in it. */
describe("across a suspend of the host of an hour", () => {
  const HOUR_NS = 3_600_000_000_000n;

  it("the guest's clock misses it until a new reference makes it jump ahead", () => {
    const vm = runningVm();
    vm.host.advance(1n);
    vm.host.offsBootNs = HOUR_NS;
    const before = vm.vcpus[0]?.readAt(vm.host.now) ?? 0n;
    expect(before).toBe(999_999_999n);
    vm.clock.updateMasterClock();
    enterAll(vm);
    expect((vm.vcpus[0]?.readAt(vm.host.now) ?? 0n) - before).toBe(HOUR_NS - 59n);
  });
});
