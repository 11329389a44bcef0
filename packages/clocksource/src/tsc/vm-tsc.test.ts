import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type HostClocksource,
  HostTscHealth,
  hostTsc,
  resumeHost,
  type VcpuTsc,
  VmTsc,
  type VmTscOptions,
} from "../index.js";

const KHZ = 1_000_000;
const SECOND = 10n ** 9n;

/** A host of 1 GHz, so that a nanosecond is a cycle. Every read may cost time: a model must see each sample. */
class Host {
  now = 1_000n * SECOND;
  tscReadCost = 0n;
  nsReadCost = 0n;
  /** What the TSC lost against the host clock. */
  tscLost = 0n;
  readonly health: HostTscHealth;
  constructor(clocksource: HostClocksource = "tsc") {
    this.health = new HostTscHealth(clocksource);
  }
  readonly clock = {
    tsc: () => {
      const tsc = hostTsc(this.now - this.tscLost);
      this.now += this.tscReadCost;
      return tsc;
    },
    kvmclockBaseNs: () => {
      const ns = this.now;
      this.now += this.nsReadCost;
      return ns;
    },
  };
}

function machine(change: Partial<VmTscOptions> = {}, host: Host = new Host()) {
  const log: string[] = [];
  const indexed = (what: string) => (vcpu: VcpuTsc) => log.push(`${what} ${vm.vcpus.indexOf(vcpu)}`);
  const vm: VmTsc = new VmTsc({
    hostTscKhz: KHZ,
    vendor: "vmx",
    userTsc: "first-write-wins",
    vcpuAddRefresh: "on-change",
    clock: host.clock,
    health: host.health,
    events: {
      onMasterClockUpdate: indexed("master"),
      onGlobalClockUpdate: indexed("global"),
      onClockUpdate: indexed("clock"),
      onMigrateTimer: indexed("migrate"),
      onRestartHvTimer: indexed("restart"),
      onHostTscUnstable: indexed("unstable"),
    },
    ...change,
  });
  const read = (vcpu: VcpuTsc) => vcpu.readL1(hostTsc(host.now - host.tscLost));
  return { vm, host, log, read };
}

describe("creation", () => {
  it("starts the first vCPU at 0 in a new generation and asks for a master clock", () => {
    const { vm, log, read } = machine();
    const first = vm.createVcpu();
    expect(read(first)).toBe(0n);
    expect([vm.generationNumber, vm.nrVcpusMatched, vm.userSetTsc]).toEqual([1n, 0, false]);
    expect(log).toEqual(["master 0"]);
  });

  it("puts each further vCPU into the founder's generation, at its offset", () => {
    const { vm, host } = machine();
    const first = vm.createVcpu();
    host.now += 5n * SECOND;
    const second = vm.createVcpu();
    expect(second.l1Offset).toBe(first.l1Offset);
    expect([vm.generationNumber, vm.nrVcpusMatched]).toEqual([1n, 1]);
    expect(second.generation).toEqual(first.generation);
  });

  it("asks again only when the answer changes; up to 6.6 at every vCPU", () => {
    for (const [vcpuAddRefresh, expected] of [
      ["on-change", ["master 0"]],
      ["always", ["master 0", "master 1"]],
    ] as const) {
      const { vm, log } = machine({ vcpuAddRefresh });
      vm.createVcpu();
      vm.useMasterClock = true;
      vm.createVcpu();
      expect(log).toEqual(expected);
    }
  });

  it("starts a new generation for a vCPU of another frequency, and gives up the master clock", () => {
    const { vm, log } = machine();
    vm.createVcpu();
    vm.useMasterClock = true;
    expect(vm.ioctlSetTscKhz(2_000_000n)).toBe(0);
    vm.createVcpu();
    expect([vm.generationNumber, vm.nrVcpusMatched, vm.wantsMasterClock]).toEqual([2n, 0, false]);
    expect(log).toEqual(["master 0", "master 1"]);
  });

  it("never wants a master clock on a host whose clock is not its TSC", () => {
    const { vm, log } = machine({}, new Host("other"));
    vm.createVcpu();
    expect(vm.wantsMasterClock).toBe(false);
    expect(log).toEqual([]);
  });

  it("carries the value forward instead of sharing the offset on an unstable TSC", () => {
    const host = new Host();
    const { vm, read } = machine({}, host);
    const first = vm.createVcpu();
    host.health.markUnstable();
    host.now += 3n * SECOND;
    const second = vm.createVcpu();
    expect([read(first), read(second)]).toEqual([3n * SECOND, 3n * SECOND]);
    expect(vm.nrVcpusMatched).toBe(1);
    expect(second.lastGuestTsc).toBe(3n * SECOND);
  });
});

describe("user space writes IA32_TSC", () => {
  it("is never corrected at its first write, since 6.7", () => {
    const { vm, host, read } = machine();
    const vcpu = vm.createVcpu();
    host.now += SECOND / 2n;
    vm.hostWriteTsc(vcpu, SECOND);
    expect(read(vcpu)).toBe(SECOND);
    expect([vm.generationNumber, vm.userSetTsc]).toEqual([2n, true]);
  });

  it("was swallowed up to 6.6 when within a second of the time since creation", () => {
    const { vm, host, read } = machine({ userTsc: "1s-slop" });
    const vcpu = vm.createVcpu();
    host.now += SECOND / 2n;
    vm.hostWriteTsc(vcpu, SECOND);
    expect(read(vcpu)).toBe(SECOND / 2n);
    expect(vm.generationNumber).toBe(1n);
  });

  it.each([
    ["exactly a second ahead is another counter", SECOND, false],
    ["a cycle less is the same", SECOND - 1n, true],
    ["exactly a second behind is another counter", -SECOND, false],
    ["a cycle less behind is the same", 1n - SECOND, true],
  ])("%s", (_title, skew, matched) => {
    const { vm, host } = machine();
    const [first, second] = [vm.createVcpu(), vm.createVcpu()];
    vm.hostWriteTsc(first, 100n * SECOND);
    host.now += SECOND;
    vm.hostWriteTsc(second, 101n * SECOND + skew);
    expect(second.l1Offset === first.l1Offset).toBe(matched);
    expect([vm.generationNumber, vm.nrVcpusMatched]).toEqual(matched ? [2n, 1] : [3n, 0]);
  });

  it("always joins with value 0", () => {
    const { vm, host } = machine();
    const [first, second] = [vm.createVcpu(), vm.createVcpu()];
    vm.hostWriteTsc(first, 10n ** 15n);
    host.now += SECOND;
    vm.hostWriteTsc(second, 0n);
    expect(second.l1Offset).toBe(first.l1Offset);
  });

  it("does not count a vCPU of the generation twice", () => {
    const { vm } = machine();
    const [, second] = [vm.createVcpu(), vm.createVcpu()];
    vm.hostWriteTsc(second as VcpuTsc, 0n);
    expect(vm.nrVcpusMatched).toBe(1);
  });

  it("takes its TSC sample before its clock sample", () => {
    const host = new Host();
    const { vm } = machine({}, host);
    host.tscReadCost = 7n;
    const vcpu = vm.createVcpu();
    // The offset is of the first sample, the generation's ns of the second, 7 ns later.
    expect(vcpu.l1Offset).toBe(BigInt.asUintN(64, -(1_000n * SECOND)));
    expect(vcpu.generation.ns).toBe(1_000n * SECOND + 7n);
  });

  it("cannot match while no frequency is set", () => {
    const { vm } = machine({ defaultTscKhz: 0 });
    const [first, second] = [vm.createVcpu(), vm.createVcpu()];
    expect([first.virtualTscKhz, second.virtualTscKhz, vm.generationNumber]).toEqual([0, 0, 2n]);
  });
});

describe("KVM_VCPU_TSC_OFFSET", () => {
  it("matches an equal offset and nothing else, not even one cycle away", () => {
    const { vm } = machine();
    const [first, second] = [vm.createVcpu(), vm.createVcpu()];
    vm.setTscOffset(first, 500n);
    expect([vm.generationNumber, vm.nrVcpusMatched]).toEqual([2n, 0]);
    vm.setTscOffset(second, 500n);
    expect([vm.generationNumber, vm.nrVcpusMatched, vm.userSetTsc]).toEqual([2n, 1, true]);
    vm.setTscOffset(second, 501n);
    expect([vm.generationNumber, vm.nrVcpusMatched]).toEqual([3n, 0]);
    expect(second.l1Offset).toBe(501n);
  });

  it("asks for a master-clock update when a new generation breaks the old one", () => {
    const { vm, log } = machine();
    const [, second] = [vm.createVcpu(), vm.createVcpu()];
    vm.useMasterClock = true;
    log.length = 0;
    vm.setTscOffset(second as VcpuTsc, 1n);
    expect(log).toEqual(["master 1"]);
  });

  it("records as last guest TSC what the counter reads at the write", () => {
    const { vm, host } = machine();
    const vcpu = vm.createVcpu();
    vm.setTscOffset(vcpu, 5n);
    expect(vcpu.lastGuestTsc).toBe(host.now + 5n);
  });
});

describe("KVM_SET_TSC_KHZ on the VM", () => {
  it.each([
    [0n, 0, KHZ],
    [2n ** 32n + 5n, 0, 5],
    [65_535_999_999n, -22, KHZ],
    [2147483647n, -22, KHZ],
    [2147483646n, 0, 2147483646],
  ])("of %d gives %i and leaves the default at %i", (khz, result, defaultTscKhz) => {
    const { vm } = machine();
    const bound = khz === 65_535_999_999n ? 4294967295n : khz;
    expect(vm.ioctlSetTscKhz(bound)).toBe(result);
    expect(vm.defaultTscKhz).toBe(defaultTscKhz);
  });
});

describe("KVM_SET_TSC_KHZ on a vCPU", () => {
  const DOUBLE = 2n * BigInt(KHZ);

  it("makes a running counter jump with the ratio, by all of the host's uptime", () => {
    const { vm, host, read } = machine();
    const vcpu = vm.createVcpu();
    host.now += 5n * SECOND;
    const before = read(vcpu);
    expect(vm.ioctlSetVcpuTscKhz(vcpu, DOUBLE)).toBe(0);
    expect(read(vcpu) - before).toBe(host.now);
    expect([vm.generationNumber, vm.userSetTsc]).toEqual([1n, false]);
  });

  describe("that synchronises the counter anew (proposed)", () => {
    const resync = { tscKhzChange: "resync" } as const;

    it("leaves it where it was, at its new rate, in a generation of its own", () => {
      const { vm, host, read } = machine(resync);
      const vcpu = vm.createVcpu();
      host.now += 5n * SECOND;
      expect(vm.ioctlSetVcpuTscKhz(vcpu, DOUBLE)).toBe(0);
      expect(read(vcpu)).toBe(5n * SECOND);
      host.now += SECOND;
      expect(read(vcpu)).toBe(7n * SECOND);
      expect([vm.generationNumber, vm.nrVcpusMatched, vm.userSetTsc]).toEqual([2n, 0, true]);
    });

    it("brings vCPUs set one after another into step again, the later ones at the first one's offset", () => {
      const { vm, host, log, read } = machine(resync);
      const vcpus = [vm.createVcpu(), vm.createVcpu(), vm.createVcpu()];
      vm.useMasterClock = true;
      host.now += 5n * SECOND;
      log.length = 0;
      for (const vcpu of vcpus) {
        expect(vm.ioctlSetVcpuTscKhz(vcpu, DOUBLE)).toBe(0);
        host.now += SECOND / 1000n;
      }
      expect(new Set(vcpus.map(read)).size).toBe(1);
      expect(vm.wantsMasterClock).toBe(true);
      expect(log).toEqual(["master 0", "master 1"]);
    });

    it("loses what passes between its two samples of the host's counter", () => {
      const { vm, host, read } = machine(resync);
      const vcpu = vm.createVcpu();
      host.now += 5n * SECOND;
      host.tscReadCost = 3n;
      vm.ioctlSetVcpuTscKhz(vcpu, DOUBLE);
      // The value of the first read, at the second; after that another 3 ns, 6 of its cycles, are gone.
      expect(read(vcpu)).toBe(5n * SECOND + 6n);
    });

    it("does not touch a counter whose frequency is refused", () => {
      const { vm, host, read } = machine(resync);
      const vcpu = vm.createVcpu();
      host.now += 5n * SECOND;
      expect(vm.ioctlSetVcpuTscKhz(vcpu, 2147483647n)).toBe(-22);
      expect([read(vcpu), vm.generationNumber]).toEqual([5n * SECOND, 1n]);
    });

    it("comes back from a saved state", () => {
      const { vm, host } = machine(resync);
      const state = JSON.parse(JSON.stringify(vm.state()));
      expect(VmTsc.fromState(state, { clock: host.clock, health: host.health }).tscKhzChange).toBe("resync");
    });
  });
});

describe("load", () => {
  it("asks for a global update and moves timers at the first load, and for nothing on the same CPU again", () => {
    const { vm, log } = machine();
    const vcpu = vm.createVcpu();
    vm.useMasterClock = true;
    log.length = 0;
    vm.load(vcpu, 3);
    expect(log).toEqual(["restart 0", "global 0", "migrate 0"]);
    vm.load(vcpu, 3);
    expect(log).toHaveLength(3);
  });

  it("asks for a global update on another CPU only without a master clock", () => {
    const { vm, log } = machine();
    const vcpu = vm.createVcpu();
    vm.load(vcpu, 0);
    vm.useMasterClock = true;
    log.length = 0;
    vm.load(vcpu, 1);
    vm.useMasterClock = false;
    vm.load(vcpu, 2);
    expect(log).toEqual(["restart 0", "migrate 0", "restart 0", "global 0", "migrate 0"]);
  });

  it("freezes the counter where it stopped when the host's went backwards, on every later load too", () => {
    const { vm, host, log, read } = machine();
    const vcpu = vm.createVcpu();
    vm.load(vcpu, 0);
    host.now += SECOND;
    vcpu.noteGuestTsc(read(vcpu));
    vcpu.put(host.clock.tsc());
    host.now += SECOND;
    host.tscLost = 10n * SECOND;
    log.length = 0;
    vm.load(vcpu, 1);
    expect(read(vcpu)).toBe(SECOND);
    expect([host.health.stable, vcpu.catchup]).toEqual([false, true]);
    expect(log).toEqual(["unstable 0", "restart 0", "global 0", "migrate 0"]);
    host.now += SECOND;
    vm.load(vcpu, 1);
    expect(read(vcpu)).toBe(SECOND);
  });

  it("does not look at the counter of a vCPU that never ran", () => {
    const { vm, host } = machine();
    const vcpu = vm.createVcpu();
    host.tscLost = 10n * SECOND;
    vm.load(vcpu, 0);
    expect(host.health.stable).toBe(true);
  });
});

describe("resumeHost", () => {
  it("gives every vCPU of every VM what the counter fell back by; the suspend itself is lost", () => {
    const host = new Host();
    const [one, two] = [machine({}, host), machine({}, host)];
    const vcpus = [one.vm.createVcpu(), one.vm.createVcpu(), two.vm.createVcpu()];
    host.now += 100n * SECOND;
    for (const vcpu of vcpus) vcpu.put(host.clock.tsc());
    const before = vcpus.map((vcpu) => one.read(vcpu));
    host.now += 3600n * SECOND;
    host.tscLost = host.now - SECOND;
    one.log.length = 0;

    const lost = resumeHost([one.vm, two.vm], host.health, 0, host.clock.tsc());
    expect(lost).toBe(1_099n * SECOND);
    expect(one.log).toEqual(["master 0", "master 1"]);
    for (const { vm } of [one, two]) for (const vcpu of vm.vcpus) vm.load(vcpu, 0);
    expect(vcpus.map((vcpu) => one.read(vcpu))).toEqual(before);
    expect([one.vm.backwardsTscObserved, two.vm.backwardsTscObserved]).toEqual([true, true]);
    // Loading asks for the update that publishes the moved counter.
    expect(one.log).toContain("clock 0");
  });

  it("does nothing when no vCPU is ahead of the counter", () => {
    const { vm, host, log } = machine();
    vm.createVcpu().put(host.clock.tsc());
    log.length = 0;
    expect(resumeHost([vm], host.health, 0, host.clock.tsc())).toBe(0n);
    expect([vm.backwardsTscObserved, log]).toEqual([false, []]);
  });

  it("only asks for clock updates of the CPU's vCPUs when the TSC is unstable", () => {
    const { vm, host, log } = machine();
    const [first, second] = [vm.createVcpu(), vm.createVcpu()];
    vm.load(first, 0);
    vm.load(second, 1);
    host.health.markUnstable();
    second.put(hostTsc(2n ** 63n));
    log.length = 0;
    expect(resumeHost([vm], host.health, 1, hostTsc(0n))).toBe(0n);
    expect(log).toEqual(["clock 1"]);
  });

  it("keeps writes of before the suspend from matching after it", () => {
    const { vm, host } = machine();
    const vcpu = vm.createVcpu();
    vm.hostWriteTsc(vcpu, 5n * SECOND);
    vm.noteBackwardsHost(1n, hostTsc(0n));
    expect(vm.state().last).toMatchObject({ ns: "0", write: "0" });
    vm.hostWriteTsc(vcpu, host.now);
    // Expected is now counted from 0 at time 0: a value equal to the host clock is in step.
    expect(vm.generationNumber).toBe(2n);
  });
});

describe("VmTsc state", () => {
  it("comes back, and the copy decides the next write the same", () => {
    const value = fc.bigInt({ min: 0n, max: 4n * SECOND });
    const axis = fc.constantFrom("1s-slop" as const, "first-write-wins" as const);
    fc.assert(
      fc.property(axis, fc.array(value, { maxLength: 6 }), value, value, (userTsc, writes, gap, last) => {
        const host = new Host();
        const { vm } = machine({ userTsc }, host);
        vm.createVcpu();
        vm.createVcpu();
        for (const [i, write] of writes.entries()) {
          host.now += gap;
          vm.hostWriteTsc(vm.vcpus[i % 2] as VcpuTsc, write);
        }
        const surroundings = { clock: host.clock, health: host.health };
        const copy = VmTsc.fromState(JSON.parse(JSON.stringify(vm.state())), surroundings);
        expect(copy.state()).toEqual(vm.state());
        vm.hostWriteTsc(vm.vcpus[0] as VcpuTsc, last);
        copy.hostWriteTsc(copy.vcpus[0] as VcpuTsc, last);
        expect(copy.state()).toEqual(vm.state());
      }),
    );
  });

  it.each([
    ["nrVcpusMatched", { nrVcpusMatched: -1 }],
    ["lastTscKhz", { lastTscKhz: -1 }],
    ["generationNumber", { generationNumber: "-1" }],
    ["last.offset", { last: { ns: "0", write: "0", offset: "-1" } }],
    ["current.ns", { current: { ns: "-1", write: "0", offset: "0" } }],
  ])("refuses a state with a bad %s", (name, wrong) => {
    const { vm, host } = machine();
    const surroundings = { clock: host.clock, health: host.health };
    expect(() => VmTsc.fromState({ ...vm.state(), ...wrong }, surroundings)).toThrow(`expected ${name}`);
  });
});

describe("VmTsc arguments", () => {
  const { vm } = machine();
  const own = vm.createVcpu();
  const other = machine().vm.createVcpu();

  it.each([
    ["hostTscKhz", { hostTscKhz: 0 }],
    ["vendor", { vendor: "arm" as never }],
    ["userTsc", { userTsc: "any" as never }],
    ["vcpuAddRefresh", { vcpuAddRefresh: "any" as never }],
    ["tscKhzChange", { tscKhzChange: "any" as never }],
    ["tolerancePpm", { tolerancePpm: -1 }],
    ["defaultTscKhz", { defaultTscKhz: -1 }],
  ])("refuses a bad %s", (name, wrong) => {
    expect(() => machine(wrong)).toThrow(`VmTsc: expected ${name}`);
  });

  it.each([
    ["VmTsc.hostWriteTsc: expected a vCPU of this VM", () => vm.hostWriteTsc(other, 0n)],
    ["VmTsc.hostWriteTsc: expected value", () => vm.hostWriteTsc(own, -1n)],
    ["VmTsc.setTscOffset: expected a vCPU of this VM", () => vm.setTscOffset(other, 0n)],
    ["VmTsc.setTscOffset: expected offset", () => vm.setTscOffset(own, -1n)],
    ["VmTsc.setTscOffset: expected offset", () => vm.setTscOffset(own, 2n ** 64n)],
    ["VmTsc.load: expected a vCPU of this VM", () => vm.load(other, 0)],
    ["VmTsc.load: expected cpu", () => vm.load(own, -1)],
    ["VmTsc.ioctlSetTscKhz: expected khz", () => vm.ioctlSetTscKhz(-1n)],
    ["VmTsc.ioctlSetVcpuTscKhz: expected a vCPU of this VM", () => vm.ioctlSetVcpuTscKhz(other, 1n)],
    ["VcpuTsc.ioctlSetTscKhz: expected khz", () => vm.ioctlSetVcpuTscKhz(own, -1n)],
    ["VmTsc.noteBackwardsHost: expected lost", () => vm.noteBackwardsHost(-1n, hostTsc(0n))],
    ["VmTsc.noteBackwardsHost: expected localTsc", () => vm.noteBackwardsHost(0n, -1n as never)],
    ["VmTsc.requestClockUpdates: expected cpu", () => vm.requestClockUpdates(-1)],
  ])("%s …", (message, call) => {
    expect(call).toThrow(message);
  });
});

describe("what is told of a synchronisation", () => {
  it("is each offset written, with the one before, and that the counters were looked at, after what is asked for", () => {
    const log: unknown[] = [];
    const { vm, host } = machine({
      events: {
        onOffsetWritten: (vcpu, from) => log.push(["offset", from, vcpu.l1Offset]),
        onMasterClockUpdate: () => log.push("master"),
        onTscTracked: (vcpu) => log.push(["tracked", vm.vcpus.indexOf(vcpu), vm.nrVcpusMatched]),
      },
    });
    const first = vm.createVcpu();
    const offset = 2n ** 64n - 1_000n * SECOND;
    expect(log.splice(0)).toEqual([["offset", 0n, offset], "master", ["tracked", 0, 0]]);
    host.now += SECOND;
    vm.createVcpu();
    expect(log.splice(0)).toEqual([["offset", 0n, offset], "master", ["tracked", 1, 1]]);
    vm.setTscOffset(first, offset + 1n);
    expect(log.splice(0)).toContainEqual(["offset", offset, offset + 1n]);
  });

  it("is the offset that the guest's own write moves, and nothing more", () => {
    const log: unknown[] = [];
    const { vm, host } = machine({
      events: { onOffsetWritten: (_vcpu, from) => log.push(from), onTscTracked: () => log.push("tracked") },
    });
    const vcpu = vm.createVcpu();
    log.length = 0;
    const before = vcpu.l1Offset;
    vcpu.wrmsrTsc(7n, hostTsc(host.now));
    expect(log).toEqual([before]);
  });
});
