import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guestTsc, hostTsc, maxGuestTscKhz, VcpuTsc, type VcpuTscOptions } from "../index.js";

const ONE = 2n ** 48n;
const U64_MAX = 2n ** 64n - 1n;

function logged(options: Partial<VcpuTscOptions> = {}): { tsc: VcpuTsc; log: string[] } {
  const log: string[] = [];
  const tsc = new VcpuTsc({
    hostTscKhz: 2_500_000,
    vendor: "vmx",
    events: {
      onClockUpdate: () => log.push("clock update"),
      onRatioWritten: (_vcpu, ratio) => log.push(`ratio ${ratio}`),
    },
    ...options,
  });
  log.length = 0;
  return { tsc, log };
}

describe("VcpuTsc frequency", () => {
  it("starts at the host's frequency, ratio 1.0, offset 0", () => {
    const { tsc } = logged();
    expect([tsc.virtualTscKhz, tsc.l1Ratio, tsc.l1Offset]).toEqual([2_500_000, ONE, 0n]);
    expect([tsc.virtualTscMult, tsc.virtualTscShift]).toEqual([2684354560, 2]);
  });

  it("runs at the host's rate within the tolerance whatever it was asked for", () => {
    const { tsc } = logged({ userTscKhz: 2_500_625 });
    expect(tsc.readL1(hostTsc(2_500_000n))).toBe(2_500_000n);
    expect(tsc.nsToCycles(1_000_000n)).toBe(2_500_624n);
  });

  it("keeps the old frequency, and fails, when asked for 0", () => {
    const { tsc, log } = logged({ userTscKhz: 3_000_000 });
    expect(tsc.setTscKhz(0)).toBe(-1);
    expect([tsc.virtualTscKhz, tsc.l1Ratio]).toEqual([3_000_000, ONE]);
    expect(log).toEqual([`ratio ${ONE}`]);
  });

  it("leaves catch-up on after the frequency is one that needs none", () => {
    const { tsc } = logged({ hasTscScaling: false, userTscKhz: 3_000_000 });
    expect([tsc.catchup, tsc.alwaysCatchup]).toEqual([true, true]);
    expect(tsc.setTscKhz(2_500_000)).toBe(0);
    expect([tsc.catchup, tsc.alwaysCatchup]).toEqual([true, true]);
  });

  it("stores a frequency it refuses", () => {
    const { tsc, log } = logged({ hasTscScaling: false });
    expect(tsc.setTscKhz(2_000_000)).toBe(-1);
    expect(tsc.virtualTscKhz).toBe(2_000_000);
    expect(log).toEqual([]);
  });

  it("acts on a changed tolerance at the next setting", () => {
    const { tsc } = logged();
    tsc.tolerancePpm = 0;
    expect(tsc.l1Ratio).toBe(ONE);
    tsc.setTscKhz(2_500_001);
    expect(tsc.l1Ratio).toBe((ONE * 2_500_001n) / 2_500_000n);
  });
});

describe("KVM_SET_TSC_KHZ on a vCPU", () => {
  it.each([
    ["0 means the host's frequency", 0n, 0, 2_500_000],
    ["the argument is taken mod 2^32", 2n ** 32n + 3_000_000n, 0, 3_000_000],
    ["just below the bound is taken", BigInt(maxGuestTscKhz(2_500_000, "vmx")) - 1n, 0, 2147483646],
    ["the bound itself is refused", BigInt(maxGuestTscKhz(2_500_000, "vmx")), -22, 2_500_000],
  ])("%s", (_title, khz, result, virtualTscKhz) => {
    const { tsc } = logged();
    expect(tsc.ioctlSetTscKhz(khz)).toBe(result);
    expect(tsc.virtualTscKhz).toBe(virtualTscKhz);
  });

  it("has no bound without scaling hardware, and turns a failure into −EINVAL", () => {
    const { tsc } = logged({ hasTscScaling: false });
    expect(tsc.ioctlSetTscKhz(4_000_000_000n)).toBe(0);
    expect(tsc.ioctlSetTscKhz(1_000_000n)).toBe(-22);
  });
});

describe("VcpuTsc registers", () => {
  it("moves IA32_TSC_ADJUST by what a guest write of IA32_TSC moves the counter, and asks for nothing", () => {
    const { tsc, log } = logged();
    tsc.wrmsrTsc(5n, hostTsc(1000n));
    expect([tsc.rdmsrTsc(hostTsc(1000n)), tsc.tscAdjust]).toEqual([5n, -995n]);
    tsc.wrmsrTsc(2000n, hostTsc(1000n));
    expect([tsc.rdmsrTsc(hostTsc(1001n)), tsc.tscAdjust]).toEqual([2001n, 1000n]);
    expect(log).toEqual([]);
  });

  it("moves the counter by the difference on a guest write of IA32_TSC_ADJUST and asks for a clock update", () => {
    const { tsc, log } = logged();
    tsc.wrmsrTscAdjust(100n);
    tsc.wrmsrTscAdjust(U64_MAX);
    expect([tsc.l1Offset, tsc.tscAdjust]).toEqual([U64_MAX, -1n]);
    expect(log).toEqual(["clock update", "clock update"]);
  });

  it("stores user space's write of IA32_TSC_ADJUST without moving the counter", () => {
    const { tsc, log } = logged();
    tsc.setTscAdjust(100n);
    expect([tsc.l1Offset, tsc.tscAdjust]).toEqual([0n, 100n]);
    expect(log).toEqual([]);
  });

  it("ignores both writes when the CPUID does not advertise the register", () => {
    const { tsc, log } = logged({ hasTscAdjust: false });
    tsc.wrmsrTscAdjust(100n);
    tsc.setTscAdjust(100n);
    expect([tsc.l1Offset, tsc.tscAdjust, log]).toEqual([0n, 0n, []]);
  });
});

describe("VcpuTsc catch-up", () => {
  const start = { number: 1n, ns: 1000n, write: 0n };

  it("moves a counter that is behind up to where it should be, never back", () => {
    const { tsc } = logged({ hasTscScaling: false, userTscKhz: 5_000_000 });
    tsc.joinGeneration(start);
    expect(tsc.catchUp(2000n, guestTsc(2500n))).toBe(5000n);
    expect(tsc.l1Offset).toBe(2500n);
    expect(tsc.catchUp(2000n, guestTsc(6000n))).toBe(6000n);
    expect(tsc.l1Offset).toBe(2500n);
  });

  it("takes a reference before the generation's start for one in 584 years, and leaps", () => {
    const { tsc } = logged({ hasTscScaling: false, userTscKhz: 5_000_000 });
    tsc.joinGeneration(start);
    expect(tsc.catchUp(999n, guestTsc(2500n))).toBe(5n * 2n ** 61n - 5n);
    expect(tsc.l1Offset).toBe(5n * 2n ** 61n - 2505n);
  });

  it.each([
    ["a start at 0", 0n],
    ["a later start", 10_000n],
  ])("takes one as signed (proposed) for what it is, and leaves the counter alone: %s", (_title, write) => {
    const { tsc } = logged({ hasTscScaling: false, userTscKhz: 5_000_000 });
    tsc.joinGeneration({ ...start, write });
    expect(tsc.catchUp(999n, guestTsc(write + 2500n), "signed")).toBe(write + 2500n);
    expect(tsc.l1Offset).toBe(0n);
    expect(tsc.catchUp(2000n, guestTsc(write + 2500n), "signed")).toBe(write + 5000n);
  });

  it("does nothing until catch-up began", () => {
    const { tsc } = logged();
    tsc.joinGeneration(start);
    expect(tsc.catchUp(10n ** 9n, guestTsc(1n))).toBe(1n);
  });
});

describe("VcpuTsc in L2", () => {
  const nested = { offset: 10n, ratio: ONE / 2n };

  it("reads the composed counter in L2 and L1's again after it", () => {
    const { tsc } = logged({ l1Offset: 100n });
    tsc.enterNested(nested);
    expect(tsc.rdmsrTsc(hostTsc(1000n))).toBe(560n);
    expect(tsc.readL1(hostTsc(1000n))).toBe(1100n);
    expect(tsc.nested).toEqual(nested);
    tsc.leaveNested();
    expect(tsc.rdmsrTsc(hostTsc(1000n))).toBe(1100n);
    expect(tsc.nested).toBeUndefined();
  });

  it("recomposes when L1's offset or ratio is written meanwhile", () => {
    const { tsc } = logged({ l1Offset: 100n });
    tsc.enterNested(nested);
    tsc.adjustGuest(100n);
    expect(tsc.effectiveOffset).toBe(110n);
    tsc.writeL1Ratio(ONE * 2n);
    expect(tsc.effectiveRatio).toBe(ONE);
  });

  it("takes a failed entry's offset off again but leaves the composed ratio, until the next write", () => {
    const { tsc } = logged({ l1Offset: 100n });
    tsc.enterNested(nested);
    tsc.failNestedEntry();
    expect([tsc.effectiveOffset, tsc.effectiveRatio]).toEqual([50n, ONE / 2n]);
    tsc.writeL1Ratio(ONE);
    expect(tsc.effectiveRatio).toBe(ONE);
  });

  it("has nothing to undo when no entry was begun", () => {
    const { tsc } = logged({ l1Offset: 100n });
    tsc.failNestedEntry();
    expect(tsc.effectiveOffset).toBe(100n);
  });
});

describe("VcpuTsc across a suspend", () => {
  it("adds up what the host lost and pays it back once, scaled, with a clock update", () => {
    const { tsc, log } = logged({ userTscKhz: 1_250_000 });
    tsc.put(hostTsc(900n));
    tsc.noteBackwardsHost(600n, hostTsc(300n));
    tsc.noteBackwardsHost(200n, hostTsc(100n));
    expect([tsc.offsetAdjustment, tsc.lastHostTsc, tsc.l1Offset]).toEqual([800n, 100n, 0n]);
    tsc.applyOffsetAdjustment();
    tsc.applyOffsetAdjustment();
    expect([tsc.offsetAdjustment, tsc.l1Offset]).toEqual([0n, 400n]);
    expect(log).toEqual(["clock update"]);
  });

  it("resumes exactly where it stopped on an untrusted host, and begins to catch up", () => {
    const { tsc } = logged();
    tsc.noteGuestTsc(guestTsc(12345n));
    tsc.resumeWhereStopped(hostTsc(99n));
    expect(tsc.readL1(hostTsc(99n))).toBe(12345n);
    expect([tsc.catchup, tsc.alwaysCatchup]).toEqual([true, false]);
  });
});

describe("VcpuTsc state", () => {
  it("comes back from any mixture of what can happen to it, without an event", () => {
    const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
    const step = fc.oneof(
      fc.record({ kind: fc.constant("khz" as const), khz: fc.integer({ min: 0, max: 10_000_000 }) }),
      fc.record({ kind: fc.constant("tsc" as const), value: u64, host: u64 }),
      fc.record({ kind: fc.constant("adjust" as const), value: u64 }),
      fc.record({ kind: fc.constant("nested" as const), offset: u64, ratio: u64 }),
      fc.record({ kind: fc.constant("fail" as const) }),
      fc.record({ kind: fc.constant("put" as const), host: u64 }),
      fc.record({ kind: fc.constant("lost" as const), lost: u64, host: u64 }),
      fc.record({ kind: fc.constant("load" as const), cpu: fc.integer({ min: 0, max: 7 }) }),
      fc.record({ kind: fc.constant("join" as const), number: u64, ns: u64, write: u64 }),
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 12 }), u64, (hasTscScaling, steps, probe) => {
        const { tsc } = logged({ hasTscScaling });
        for (const s of steps) {
          if (s.kind === "khz") tsc.setTscKhz(s.khz);
          else if (s.kind === "tsc") tsc.wrmsrTsc(s.value, hostTsc(s.host));
          else if (s.kind === "adjust") tsc.wrmsrTscAdjust(s.value);
          else if (s.kind === "nested") tsc.enterNested(s);
          else if (s.kind === "fail") tsc.failNestedEntry();
          else if (s.kind === "put") tsc.put(hostTsc(s.host));
          else if (s.kind === "lost") tsc.noteBackwardsHost(s.lost, hostTsc(s.host));
          else if (s.kind === "load") tsc.noteLoaded(s.cpu);
          else tsc.joinGeneration(s);
        }
        let events = 0;
        const copy = VcpuTsc.fromState(JSON.parse(JSON.stringify(tsc.state())), {
          onClockUpdate: () => events++,
          onRatioWritten: () => events++,
        });
        expect(events).toBe(0);
        expect(copy.state()).toEqual(tsc.state());
        expect(copy.readL1(hostTsc(probe))).toBe(tsc.readL1(hostTsc(probe)));
        expect(copy.rdmsrTsc(hostTsc(probe))).toBe(tsc.rdmsrTsc(hostTsc(probe)));
        expect(copy.nsToCycles(probe)).toBe(tsc.nsToCycles(probe));
        expect(copy.cpu).toBe(tsc.cpu);
        copy.setTscKhz(2_500_000);
        expect(events).toBe(1);
      }),
    );
  });
});

describe("VcpuTsc arguments", () => {
  const { tsc } = logged();
  const bad = -1n as never;
  it.each([
    ["VcpuTsc: expected hostTscKhz", () => new VcpuTsc({ hostTscKhz: 0, vendor: "vmx" })],
    ["VcpuTsc: expected tolerancePpm", () => new VcpuTsc({ hostTscKhz: 1, vendor: "vmx", tolerancePpm: -1 })],
    [
      "VcpuTsc.setTscKhz: expected userTscKhz",
      () => new VcpuTsc({ hostTscKhz: 1, vendor: "vmx", userTscKhz: -1 }),
    ],
    ["VcpuTsc.tolerancePpm: expected ppm", () => Object.assign(tsc, { tolerancePpm: -1 })],
    ["VcpuTsc.ioctlSetTscKhz: expected khz", () => tsc.ioctlSetTscKhz(bad)],
    ["VcpuTsc.rdmsrTsc: expected tsc", () => tsc.rdmsrTsc(bad)],
    ["ScaledTsc.offsetFor: expected target", () => tsc.wrmsrTsc(bad, hostTsc(0n))],
    ["VcpuTsc.wrmsrTscAdjust: expected value", () => tsc.wrmsrTscAdjust(bad)],
    ["VcpuTsc.setTscAdjust: expected value", () => tsc.setTscAdjust(bad)],
    ["VcpuTsc.joinGeneration: expected number", () => tsc.joinGeneration({ number: -1n, ns: 0n, write: 0n })],
    ["VcpuTsc.joinGeneration: expected ns", () => tsc.joinGeneration({ number: 0n, ns: -1n, write: 0n })],
    ["VcpuTsc.joinGeneration: expected write", () => tsc.joinGeneration({ number: 0n, ns: 0n, write: -1n })],
    ["VcpuTsc.catchUp: expected timestamp", () => tsc.catchUp(0n, bad)],
    ["VcpuTsc.noteGuestTsc: expected guest", () => tsc.noteGuestTsc(bad)],
    ["VcpuTsc.noteLoaded: expected cpu", () => tsc.noteLoaded(-1)],
    ["VcpuTsc.put: expected tsc", () => tsc.put(bad)],
    ["VcpuTsc.noteBackwardsHost: expected lost", () => tsc.noteBackwardsHost(bad, hostTsc(0n))],
    ["VcpuTsc.noteBackwardsHost: expected localTsc", () => tsc.noteBackwardsHost(0n, bad)],
    ["nestedTscOffset: expected l2Offset", () => tsc.enterNested({ offset: -1n, ratio: ONE })],
    ["nestedTscOffset: expected l2Ratio", () => tsc.enterNested({ offset: 0n, ratio: -1n })],
  ])("%s …", (message, call) => {
    expect(call).toThrow(message);
  });

  it.each([
    "effectiveOffset",
    "effectiveRatio",
    "tscAdjust",
    "lastGuestTsc",
    "lastHostTsc",
    "offsetAdjustment",
  ])("refuses a state whose %s is too wide", (name) => {
    expect(() => VcpuTsc.fromState({ ...tsc.state(), [name]: String(2n ** 64n) })).toThrow(RangeError);
  });
});
