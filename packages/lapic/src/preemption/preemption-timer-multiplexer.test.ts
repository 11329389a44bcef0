import { type GuestTsc, type HostTsc, VcpuTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeVcpu } from "../../test/fake-host.js";
import { SteeredHost } from "../../test/steered-host.js";
import {
  LapicTimer,
  NestedPreemptionTimer,
  PreemptionTimer,
  PreemptionTimerMultiplexer,
  preemptionTimerExpiry,
} from "../index.js";

const TSC_DEADLINE = 0x4_0000;
const VECTOR = 0xec;

function machine(host = new SteeredHost()) {
  const khz = Number(host.khz);
  const tsc = new VcpuTsc({ hostTscKhz: khz, userTscKhz: khz, vendor: "vmx" });
  const hardware = new PreemptionTimer({ clock: host, tsc, rateShift: 5 });
  return { host, tsc, hardware, shared: new PreemptionTimerMultiplexer(hardware) };
}

describe("two deadlines on one preemption timer", () => {
  it("the earlier is programmed, whoever armed it and whenever", () => {
    const { hardware, shared } = machine();
    shared.lapic.set(9000n as GuestTsc, 0);
    expect([hardware.deadline, shared.earliest()]).toEqual([9000n, ["lapic"]]);
    shared.nested.set(5000n as GuestTsc, 0);
    expect([hardware.deadline, shared.earliest()]).toEqual([5000n, ["nested"]]);
    shared.lapic.set(5000n as GuestTsc, 0);
    expect([hardware.deadline, shared.earliest()]).toEqual([5000n, ["lapic", "nested"]]);
    shared.nested.set(7000n as GuestTsc, 0);
    expect([hardware.deadline, shared.earliest()]).toEqual([5000n, ["lapic"]]);
    shared.lapic.cancel();
    expect([hardware.deadline, shared.earliest()]).toEqual([7000n, ["nested"]]);
    shared.nested.cancel();
    expect([hardware.armed, shared.earliest()]).toEqual([false, []]);
  });

  it("each port answers as the timer would it alone, its own advance taken off", () => {
    const { host, shared } = machine();
    host.now = 10_000n;
    expect(shared.nested.set(10_100n as GuestTsc, 0)).toBe("armed");
    expect(shared.lapic.set(10_000n as GuestTsc, 0)).toBe("expired");
    // 1000 ns are 2097 cycles.
    expect(shared.lapic.set(13_000n as GuestTsc, 1000)).toBe("armed");
    expect([shared.lapic.deadline, shared.nested.deadline]).toEqual([10_903n, 10_100n]);
  });

  it("out of range changes nothing, for either", () => {
    const { hardware, shared } = machine();
    shared.lapic.set(9000n as GuestTsc, 0);
    shared.nested.set(8000n as GuestTsc, 0);
    expect(shared.nested.set((2n ** 37n) as GuestTsc, 0)).toBe("out-of-range");
    expect([shared.lapic.deadline, shared.nested.deadline, hardware.deadline]).toEqual([9000n, 8000n, 8000n]);
  });

  it("for every sequence the programmed deadline is the minimum of what each was last told", () => {
    const step = fc.tuple(fc.boolean(), fc.option(fc.bigInt({ min: 0n, max: 2n ** 36n })));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { hardware, shared } = machine();
        let lapic: bigint | null = null;
        let nested: bigint | null = null;
        for (const [isLapic, deadline] of steps) {
          const port = isLapic ? shared.lapic : shared.nested;
          if (deadline === null) port.cancel();
          else port.set(deadline as GuestTsc, 0);
          if (isLapic) lapic = deadline;
          else nested = deadline;
          const told = [lapic, nested].filter((d) => d !== null).sort((a, b) => (a < b ? -1 : 1));
          expect(hardware.deadline).toBe(told[0]);
        }
        const state = JSON.parse(JSON.stringify(shared.state()));
        const other = machine();
        const copy = PreemptionTimerMultiplexer.fromState(state, other.hardware);
        expect([copy.state(), other.hardware.deadline]).toEqual([shared.state(), hardware.deadline]);
        expect(copy.earliest()).toEqual(shared.earliest());
      }),
    );
  });

  it.each(["lapic", "nested"] as const)("refuses a state whose %s deadline is no u64", (owner) => {
    const state = { lapic: null, nested: null, [owner]: (2n ** 64n).toString() };
    expect(() => PreemptionTimerMultiplexer.fromState(state, machine().hardware)).toThrow(
      `PreemptionTimerMultiplexer.fromState: expected ${owner}`,
    );
  });

  it("a host deadline to arm at is a u64", () => {
    expect(() => machine().hardware.armAt(-1n as HostTsc)).toThrow(
      "PreemptionTimer.armAt: expected hostDeadline",
    );
  });
});

describe("a LAPIC timer and a nested one on the same vCPU, CLOCK_MONOTONIC 8.33 % fast", () => {
  it("both meet their deadlines while L2 runs", () => {
    const host = new SteeredHost();
    host.steer(83_333);
    const { tsc, hardware, shared } = machine(host);
    const behaviours = { deadlineClock: "hardware-multiplexed" } as const;
    const times: string[] = [];
    const common = { clock: host, tsc, createTimer: host.createTimer };
    const lapic = new LapicTimer({
      ...common,
      vcpu: new FakeVcpu(),
      preemptionTimer: shared.lapic,
      behaviours,
      events: { onExpire: () => times.push(`lapic ${host.now}`) },
    });
    const nested = new NestedPreemptionTimer({
      ...common,
      preemptionTimer: shared.nested,
      deadlineClock: "hardware-multiplexed",
      onExpire: () => times.push(`nested ${host.now}`),
    });
    lapic.writeLvtt(TSC_DEADLINE | VECTOR);
    lapic.writeTscDeadline(6_400_000n);
    nested.enter(100_000);
    expect([lapic.hvInUse, nested.hvInUse]).toEqual([true, true]);
    while (hardware.armed) {
      const value = hardware.loadAtEntry("ordinary") ?? -1;
      host.now = preemptionTimerExpiry(host.now as HostTsc, value, 5);
      for (const owner of shared.earliest()) {
        if (owner === "lapic") lapic.expiredHvTimer();
        else nested.expiredHvTimer();
      }
    }
    expect(times).toEqual(["nested 3200000", "lapic 6400000"]);
  });
});
