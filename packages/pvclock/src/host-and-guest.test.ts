import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { counterOf, runningVm, type SimulatedVm } from "../test/simulated-vm.js";
import {
  chooseKvmclock,
  GuestPvclock,
  pvclockTscKhz,
  type ReadTsc,
  ReferenceTscClock,
  readReferenceTsc,
  type VcpuKvmclock,
} from "./index.js";

const AREA = 0x2000n;
const WALL_CLOCK = 0x3000n;
const PAGE = 0x4000n;
/** CLOCKSOURCE2 and the trusted bit. */
const FEATURES = (1 << 3) | (1 << 24);

const FREQUENCIES = [
  [2_500_000, 2_500_000],
  [3_000_000, 2_500_000],
  [2_400_000, 2_500_000],
  [2_600_000, 1_950_000],
] as const;

/** Does what Linux does at boot on its first vCPU, and lets the host in. */
function boot(vm: SimulatedVm): {
  guest: GuestPvclock;
  area: Uint8Array;
  vcpu: VcpuKvmclock;
  rdtsc: ReadTsc;
} {
  const setup = chooseKvmclock(FEATURES);
  const [vcpu] = vm.vcpus;
  const area = vm.memory.map(AREA, 32);
  if (setup === undefined || vcpu === undefined || area === undefined) throw new Error("a VM has all three");
  vcpu.wrmsr(setup.wallClockMsr, WALL_CLOCK);
  vcpu.wrmsr(setup.systemTimeMsr, AREA + 1n);
  vcpu.serviceRequests();
  const rdtsc = () => counterOf(vm, 0).readL1(vm.host.now);
  return { guest: new GuestPvclock({ trustedFlags: setup.trustedFlags }), area, vcpu, rdtsc };
}
describe("a guest on a simulated host", () => {
  it("reads out of its memory what the host says it reads, whatever asks for updates in between", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FREQUENCIES),
        fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 4000n }), fc.integer({ min: 0, max: 3 })), {
          maxLength: 8,
        }),
        ([hostKhz, guestKhz], steps) => {
          const vm = runningVm({ hostKhz, guestKhz });
          const { guest, area, vcpu, rdtsc } = boot(vm);
          for (const [seconds, what] of steps) {
            vm.host.advance(seconds);
            if (what === 1) vcpu.request("masterclock-update");
            if (what === 2) vm.clock.setClock({ clock: 1_000_000n * seconds, flags: 0, realtime: 0n });
            if (what === 3) vcpu.kvmclockCtrl();
            vcpu.serviceRequests();
            expect(guest.read(area, rdtsc)).toBe(vcpu.readAt(vm.host.now));
            expect(guest.takeGuestStopped(area)).toBe(what === 3);
          }
        },
      ),
    );
  });

  it("knows the time of day to what its clock lost since boot, 0.4 ppm at a floored frequency", () => {
    const vm = runningVm({ hostKhz: 3_000_000, guestKhz: 2_500_000 });
    const { guest, area, rdtsc } = boot(vm);
    const wallClock = vm.memory.map(WALL_CLOCK, 12) ?? new Uint8Array(12);
    vm.host.advance(1000n);
    // 1000 s · (1 + 399.94 ppb), all of it after 1 700 000 000 s.
    expect(guest.readWallTime(wallClock, area, rdtsc)).toEqual({ sec: 1_700_001_000n, nsec: 399_944 });
  });

  it.each([
    [2_500_000, 2_500_000, 2_500_000n],
    [3_000_000, 2_500_000, 2_499_998n],
    [2_600_000, 1_950_000, 1_950_000n],
  ])("of %i kHz, configured for %i, believes its TSC runs at %i kHz", (hostKhz, guestKhz, believed) => {
    const { vcpu } = boot(runningVm({ hostKhz, guestKhz }));
    expect(pvclockTscKhz(vcpu.cached.tscToSystemMul, vcpu.cached.tscShift)).toBe(believed);
  });

  it("of Hyper-V's kind reads the same clock in units of 100 ns, also after a new reference", () => {
    const page: { clock?: ReferenceTscClock } = {};
    const vm = runningVm({
      hostKhz: 3_000_000,
      guestKhz: 2_500_000,
      events: {
        onMasterClockUpdate: () => page.clock?.noteNewReference(),
        onClockUpdate: (_vcpu, info) => page.clock?.updateClock(info),
      },
    });
    page.clock = new ReferenceTscClock(vm.memory);
    const { vcpu, rdtsc } = boot(vm);
    expect(page.clock.writeMsr(PAGE + 1n)).toBe(true);
    for (let hour = 0; hour < 5; hour++) {
      vcpu.request("masterclock-update");
      vcpu.serviceRequests();
      vm.host.advance(3600n);
      const units = readReferenceTsc(vm.memory.map(PAGE, 24) ?? new Uint8Array(24), rdtsc)?.time ?? 0n;
      const behind = vcpu.readAt(vm.host.now) / 100n - units;
      // The scale is floored at 2^-64: 2 units after an hour of 9·10^12 cycles are beyond what it can lose.
      expect(behind >= -1n && behind <= 2n).toBe(true);
      expect(page.clock.referenceTime(rdtsc(), vm.clock.getClock().clock)).toBe(units);
    }
  });
});
