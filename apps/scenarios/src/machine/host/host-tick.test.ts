import { describe, expect, it } from "vitest";
import { hostOf, MS, machineOf, oneShots, tick, US } from "../fixtures/many-cpus.js";
import type { Host, HostCpuOptions } from "./host.js";

const ticks = (host: Host): readonly (number | undefined)[] => host.cpus.map((cpu) => cpu.tick?.count);
const keepers = (host: Host): readonly number[] =>
  host.cpus.filter((cpu) => cpu.tick?.keepsTime).map(({ id }) => id);

/** Runs to `ns`, and says when CPU `id` ticked on the way. */
function tickTimes(host: Host, id: number, ns: bigint): bigint[] {
  const times: bigint[] = [];
  let before = host.cpu(id).tick?.count ?? 0;
  host.engine.runUntilDone(() => {
    const count = host.cpu(id).tick?.count ?? 0;
    if (count > before) times.push(host.engine.now);
    before = count;
    return false;
  }, host.tscAt(ns));
  host.engine.runUntil(host.tscAt(ns));
  return times;
}

describe("the tick of a CPU", () => {
  it("comes at its phase, and every period after it", () => {
    const host = hostOf([{ load: "busy", tick: tick(4n * MS, 1_500n * US) }]);
    expect(tickTimes(host, 0, 14n * MS)).toEqual([1_500n * US, 5_500n * US, 9_500n * US, 13_500n * US]);
  });

  it("stops while the CPU is idle, and goes on on its grid when it is not", () => {
    const host = hostOf([{ tick: tick(4n * MS, MS) }, {}]);
    const cpu = host.cpu(0);
    expect(tickTimes(host, 0, 10n * MS)).toEqual([]);
    expect(cpu.nextAt).toBeUndefined();
    cpu.startHog();
    expect(tickTimes(host, 0, 22n * MS)).toEqual([13n * MS, 17n * MS, 21n * MS]);
    cpu.stopHog();
    expect(cpu.nextAt).toBeUndefined();
    expect(tickTimes(host, 0, 40n * MS)).toEqual([]);
  });

  it("begins one period later where work begins at the very instant of a tick", () => {
    const host = hostOf([{ tick: tick(4n * MS, MS) }]);
    host.engine.runUntil(host.tscAt(5n * MS));
    host.cpu(0).startHog();
    expect(tickTimes(host, 0, 10n * MS)).toEqual([9n * MS]);
  });

  it("goes on on an idle CPU that is told so", () => {
    const host = hostOf([{ tick: { ...tick(MS), whenIdle: "goes-on" } }]);
    host.engine.runUntil(host.tscAt(5n * MS));
    expect(ticks(host)).toEqual([5]);
  });

  it("is a nohz_full CPU's residual one, by which a spinning guest leaves, and by nothing else", () => {
    const cpus: HostCpuOptions[] = [
      { load: "busy", tick: tick(MS) },
      { timers: "nohz_full", tick: tick(1_000n * MS, 300n * MS) },
    ];
    const machine = machineOf(cpus, "v5.3");
    machine.vcpu.start("spins", function* (cpu) {
      for (;;) yield cpu.run();
    });
    machine.runTo(4_000n * MS);
    expect(ticks(machine.host)).toEqual([4_000, 4]);
    expect(machine.vcpu.counters.exitsFor).toEqual({ "external-interrupt": 4 });
  });

  it("stops with its vCPU's halt, and is back when the guest runs", () => {
    const cpus: HostCpuOptions[] = [{}, { timers: "nohz_full", tick: tick(MS) }];
    const machine = machineOf(cpus, "v5.3");
    oneShots(machine, [10_500n * US], "halts");
    machine.runTo(10n * MS);
    expect(ticks(machine.host)).toEqual([undefined, 0]);
    const running = machineOf(cpus, "v5.3");
    oneShots(running, [10_500n * US]);
    running.runTo(10n * MS);
    expect(ticks(running.host)).toEqual([undefined, 10]);
  });
});

describe("the duty to keep time", () => {
  const three: HostCpuOptions[] = [4n, 1n, 1n].map((ms) => ({ load: "busy", tick: tick(ms * MS) }));
  const isolated: HostCpuOptions = { timers: "nohz_full" };

  it("is the first ticking CPU's alone, and one CPU's at a time", () => {
    const host = hostOf([{}, ...three]);
    expect(keepers(host)).toEqual([1]);
  });

  it("is a nohz_full CPU's only where no housekeeping CPU ticks", () => {
    const residual: HostCpuOptions = { ...isolated, tick: tick(1_000n * MS) };
    expect(keepers(hostOf([residual, ...three]))).toEqual([1]);
    expect(keepers(hostOf([residual, residual, {}]))).toEqual([0]);
    const host = hostOf([residual, ...three.slice(0, 1), {}]);
    host.unplug(1);
    expect(keepers(host)).toEqual([0]);
  });

  it("goes to the next ticking CPU with an unplugged one, and time goes on", () => {
    const host = hostOf([{}, ...three]);
    host.unplug(1);
    expect(keepers(host)).toEqual([2]);
    host.unplug(2);
    expect(keepers(host)).toEqual([3]);
    host.engine.runUntil(host.tscAt(10n * MS));
    expect(host.clock.monotonicNs()).toBe(10n * MS);
    expect(ticks(host)).toEqual([undefined, 0, 0, 10]);
    host.plug(1);
    expect(keepers(host)).toEqual([3]);
  });

  it("comes back with the only CPU that ticks", () => {
    const host = hostOf([{}, { load: "busy", tick: tick(MS) }, isolated]);
    host.unplug(1);
    expect(keepers(host)).toEqual([]);
    host.plug(1);
    expect(keepers(host)).toEqual([1]);
  });

  it("goes to a CPU that is busy when its keeper goes idle, and stays there", () => {
    const host = hostOf([4n, 1n, 2n].map((ms) => ({ tick: tick(ms * MS) })));
    host.cpu(1).startHog();
    expect(keepers(host)).toEqual([1]);
    host.cpu(2).startHog();
    host.cpu(1).stopHog();
    expect(keepers(host)).toEqual([2]);
    host.cpu(1).startHog();
    expect(keepers(host)).toEqual([2]);
    host.cpu(1).stopHog();
    host.cpu(2).stopHog();
    expect(keepers(host)).toEqual([2]);
  });

  it("is caught up with by the CPU that wakes first", () => {
    const tsc = { kind: "tsc", tscKhz: 1_000_000, hz: 250 } as const;
    const host = hostOf(
      [0, 1].map(() => ({ tick: tick(4n * MS) })),
      { clock: tsc },
    );
    host.engine.runUntil(host.tscAt(1_000n * MS));
    const slept = host.clock.timekeeper.copy().mono.cycleLast;
    host.cpu(1).startHog();
    expect(keepers(host)).toEqual([1]);
    expect([slept, host.clock.timekeeper.copy().mono.cycleLast]).toEqual([0n, 1_000n * MS]);
  });
});
