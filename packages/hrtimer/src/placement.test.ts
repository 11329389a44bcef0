import { monotonicNs } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { type Hrtimer, HrtimerSystem, type HrtimerSystemOptions, type Topology } from "./index.js";

const KTIME_MAX = 2n ** 63n - 1n;
const ABS = 0;
const PINNED = 2;
const SOFT = 4;
const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;

function machine(cpuCount: number, topology: Topology = {}, options: Partial<HrtimerSystemOptions> = {}) {
  const host = {
    now: 1000n,
    offsets: { sequence: 0, realtimeNs: 0n, boottimeNs: 0n, taiNs: 0n },
    writes: [] as [number, bigint][],
    ipis: [] as number[],
  };
  const system = new HrtimerSystem({
    clock: { monotonicNs: () => monotonicNs(host.now), offsets: () => host.offsets },
    cpus: Array.from({ length: cpuCount }, (_, id) => ({
      device: {
        program(expiresNs: bigint, force: "attempt" | "force"): boolean {
          host.writes.push([id, expiresNs]);
          return force === "force" || expiresNs > host.now;
        },
      },
    })),
    topology,
    events: { onIpi: (cpu) => host.ipis.push(cpu) },
    ...options,
  });
  const on = <T>(cpu: number, run: () => T): T => {
    const before = system.currentCpu;
    system.currentCpu = cpu;
    try {
      return run();
    } finally {
      system.currentCpu = before;
    }
  };
  const timer = (name: string, clock?: number, mode?: number): Hrtimer =>
    system.createTimer(() => undefined, {
      name,
      ...(clock === undefined ? {} : { clock }),
      ...(mode === undefined ? {} : { mode }),
    });
  /** A pinned timer that gives a CPU a next event. */
  const occupy = (cpu: number, expiresNs: bigint): Hrtimer =>
    on(cpu, () => {
      const tick = timer(`tick ${cpu}`);
      tick.start(expiresNs, PINNED);
      return tick;
    });
  return { host, system, on, timer, occupy };
}

/** CPU 0 takes timers, the others are isolated. */
const nohzFull: Topology = { isHousekeeping: (cpu) => cpu === 0 };

describe("an unpinned start on an isolated CPU", () => {
  it.each([
    ["moves when the housekeeping CPU has an earlier event", 2000n, 5000n, 0],
    ["moves when it has one at the same instant (v4.16)", 5000n, 5000n, 0],
    ["stays when it would be the first event there", 5001n, 5000n, 1],
    ["stays when the housekeeping CPU has no event at all", undefined, 5000n, 1],
  ])("%s", (_title, tick, expires, cpu) => {
    const { on, occupy, timer } = machine(2, nohzFull);
    if (tick !== undefined) occupy(0, tick);
    const a = on(1, () => timer("a"));
    on(1, () => a.start(expires, ABS));
    expect(a.cpu).toBe(cpu);
  });

  it("stays on a tie up to v4.15", () => {
    const { on, occupy, timer } = machine(2, nohzFull, { equalTarget: "stay" });
    occupy(0, 5000n);
    const a = on(1, () => timer("a"));
    on(1, () => a.start(5000n, ABS));
    expect(a.cpu).toBe(1);
    const b = on(1, () => timer("b"));
    on(1, () => b.start(5001n, ABS));
    expect(b.cpu).toBe(0);
  });

  it.each([
    ["pinned", PINNED, {}],
    ["with timer_migration off", ABS, { timerMigration: "off" } as const],
  ])("stays %s", (_title, mode, options) => {
    const { on, occupy, timer } = machine(2, nohzFull, options);
    occupy(0, 2000n);
    const a = on(1, () => timer("a"));
    on(1, () => a.start(5000n, mode));
    expect(a.cpu).toBe(1);
  });

  it("forgets that it was pinned: a later unpinned start moves it", () => {
    const { on, occupy, timer } = machine(2, nohzFull);
    occupy(0, 2000n);
    occupy(1, 1500n);
    const a = on(1, () => timer("a"));
    on(1, () => a.start(5000n, PINNED));
    on(1, () => a.start(5000n, ABS));
    expect(a.cpu).toBe(0);
  });

  it("stays, whatever the target, when it was this CPU's next timer", () => {
    const { on, occupy, timer } = machine(2, nohzFull);
    occupy(0, 2000n);
    const a = on(1, () => timer("a"));
    on(1, () => a.start(5000n, PINNED));
    on(1, () => a.start(6000n, ABS));
    expect(a.cpu).toBe(1);
  });

  it("moves even so without forceLocal (before 2021)", () => {
    const { on, occupy, timer } = machine(2, nohzFull, { forceLocal: "off" });
    occupy(0, 2000n);
    const a = on(1, () => timer("a"));
    on(1, () => a.start(5000n, PINNED));
    on(1, () => a.start(6000n, ABS));
    expect(a.cpu).toBe(0);
  });

  it("judges the target by its own offset of the clock", () => {
    const { host, system, on, occupy, timer } = machine(2, nohzFull);
    occupy(0, 5000n);
    const a = on(1, () => timer("a", CLOCK_REALTIME));
    // CPU 0 refreshes its offset at its next interrupt only: until then 14 999 counts as after 5000 there.
    host.offsets = { sequence: 1, realtimeNs: 10_000n, boottimeNs: 0n, taiNs: 0n };
    on(1, () => a.start(14_999n, ABS));
    expect(a.cpu).toBe(0);
    system.cpu(0).interrupt();
    // Now it is CPU 0's next event, at 4999; one nanosecond earlier may not be queued from here.
    on(1, () => a.start(14_998n, ABS));
    expect(a.cpu).toBe(1);
  });

  it("writes no device when it is queued remotely", () => {
    const { host, on, occupy, timer } = machine(2, nohzFull);
    occupy(0, 2000n);
    host.writes.length = 0;
    const a = on(1, () => timer("a"));
    on(1, () => a.start(5000n, ABS));
    expect(host.writes).toEqual([]);
  });
});

describe("the CPU chosen for an unpinned timer", () => {
  const chosen = (here: number, topology: Topology): number => {
    const { on, occupy, timer } = machine(4, topology);
    for (const cpu of [0, 1, 2, 3]) occupy(cpu, 2000n);
    const a = on(here, () => timer("a"));
    on(here, () => a.start(5000n, ABS));
    return a.cpu;
  };

  it.each([
    ["itself when it takes timers and is busy", 2, {}, 2],
    ["the first busy other when it is idle", 2, { isIdle: (cpu: number) => cpu === 2 }, 0],
    ["itself when every CPU that takes timers is idle", 2, { isIdle: () => true }, 2],
    [
      "the innermost domain's first",
      2,
      {
        isIdle: (cpu: number) => cpu === 2,
        domains: () => [
          [2, 3],
          [0, 1, 2, 3],
        ],
      },
      3,
    ],
    ["any that takes timers when it does not and all are idle", 2, { ...nohzFull, isIdle: () => true }, 0],
    [
      "the NUMA-closest of them when known",
      2,
      { isHousekeeping: (cpu: number) => cpu !== 2, isIdle: () => true, closestHousekeeping: () => 3 },
      3,
    ],
  ])("is %s", (_title, here, topology, expected) => {
    expect(chosen(here, topology)).toBe(expected);
  });
});

describe("a callback running on another CPU", () => {
  it("holds its timer there: a remote start cannot move it, a remote tryToCancel says −1", () => {
    const { system, on, occupy } = machine(2, {});
    occupy(0, 100_000n);
    const results: unknown[] = [];
    const a = on(0, () =>
      system.createTimer((self) => {
        on(1, () => {
          results.push((self as Hrtimer).tryToCancel());
          self.start(monotonicNs(200_000n), ABS);
        });
        return undefined;
      }),
    );
    on(0, () => a.start(1000n, PINNED));
    system.cpu(0).interrupt();
    expect([results, a.cpu, a.isQueued]).toEqual([[-1], 0, true]);
    on(1, () => a.start(200_000n, PINNED));
    expect(a.cpu).toBe(1);
  });
});

describe("a cancel from another CPU", () => {
  it("leaves the device to fire in vain", () => {
    const { host, system, on, occupy } = machine(2);
    const tick = occupy(0, 5000n);
    host.writes.length = 0;
    expect(on(1, () => tick.tryToCancel())).toBe(1);
    expect([host.writes, system.cpu(0).expiresNext]).toEqual([[], 5000n]);
    host.now = 5000n;
    system.cpu(0).interrupt();
    expect(host.writes).toEqual([[0, KTIME_MAX]]);
  });
});

describe("unplug", () => {
  it("moves every timer, pinned ones too, in order, and has the heir look again", () => {
    const { host, system, on, occupy, timer } = machine(3, { isHousekeeping: (cpu) => cpu !== 0 });
    occupy(1, 7000n);
    const timers = on(2, () => ["a", "b", "c"].map((name) => timer(name)));
    for (const each of timers) on(2, () => each.start(5000n, PINNED));
    const wall = on(2, () => timer("wall", CLOCK_REALTIME));
    on(2, () => wall.start(6000n, PINNED));
    host.writes.length = 0;
    system.unplug(2);
    expect([...timers, wall].map(({ cpu, isQueued }) => [cpu, isQueued])).toEqual(
      Array.from({ length: 4 }, () => [1, true]),
    );
    expect([host.ipis, host.writes, system.cpu(1).expiresNext]).toEqual([[1], [[1, 5000n]], 5000n]);
    expect([system.cpu(2).online, system.cpu(2).queued]).toEqual([false, 0]);
    expect(system.state().cpus[1]?.queues[0]).toEqual([1, 2, 3, 0]);
  });

  it("sends later starts on the dead CPU elsewhere, with an IPI when they come first there", () => {
    const { host, system, on, timer } = machine(2);
    const a = on(1, () => timer("a"));
    system.unplug(1);
    host.ipis.length = 0;
    on(1, () => a.start(5000n, PINNED));
    expect([a.cpu, host.ipis, system.cpu(0).expiresNext]).toEqual([0, [0], 5000n]);
    const b = on(1, () => timer("b"));
    on(1, () => b.start(6000n, ABS));
    expect([b.cpu, host.ipis]).toEqual([0, [0]]);
  });

  it("leaves the IPI to the caller who wants to deliver it later", () => {
    const pending: { retrigger(): void }[] = [];
    const { host, system, occupy } = machine(2, {}, { sendIpi: (cpu) => pending.push(cpu) });
    occupy(1, 5000n);
    host.writes.length = 0;
    system.unplug(1);
    expect([host.writes, system.cpu(0).expiresNext]).toEqual([[], KTIME_MAX]);
    for (const cpu of pending) cpu.retrigger();
    expect(host.writes).toEqual([[0, 5000n]]);
  });

  it("refuses an unknown, a dead and the last usable CPU", () => {
    const { system } = machine(2, nohzFull);
    expect(() => system.unplug(5)).toThrow(new RangeError("unplug: expected a CPU id below 2, got 5"));
    expect(() => system.unplug(0)).toThrow(
      new RangeError("unplug: expected another online housekeeping CPU, got only CPU 0"),
    );
    expect(system.cpu(0).online).toBe(true);
    system.unplug(1);
    expect(() => system.unplug(1)).toThrow("unplug: expected CPU 1 to be online, got an offline one");
    expect(() => system.cpu(1).interrupt()).toThrow("interrupt: expected CPU 1 to be online");
  });

  it("refuses a CPU whose callback is running", () => {
    const { system, on } = machine(2);
    const a = on(1, () =>
      system.createTimer(() => {
        system.unplug(1);
        return undefined;
      }),
    );
    on(1, () => a.start(1000n, PINNED));
    expect(() => system.cpu(1).interrupt()).toThrow("unplug: expected no running timer callback on CPU 1");
  });
});

describe("plug", () => {
  it("brings the CPU back with an empty base", () => {
    const { system, on, occupy } = machine(2);
    occupy(1, 5000n);
    system.unplug(1);
    system.plug(1);
    expect([system.cpu(1).online, system.cpu(1).expiresNext, system.cpu(1).activeBases]).toEqual([
      true,
      KTIME_MAX,
      0,
    ]);
    const a = occupy(1, 6000n);
    expect([a.cpu, on(1, () => system.cpu(1).expiresNext)]).toEqual([1, 6000n]);
    expect(() => system.plug(1)).toThrow("plug: expected CPU 1 to be offline, got an online one");
  });
});

describe("clockWasSet", () => {
  it("asks only the CPUs where a timer of those clocks now comes first", () => {
    const { host, system, on, timer } = machine(3);
    on(0, () => timer("wall 0", CLOCK_REALTIME).start(5000n, PINNED));
    on(1, () => timer("wall 1", CLOCK_REALTIME).start(90_000n, PINNED));
    on(1, () => timer("near").start(2000n, PINNED));
    host.offsets = { ...host.offsets, sequence: 1, realtimeNs: 3000n };
    host.writes.length = 0;
    system.clockWasSet("wall");
    expect(host.ipis).toEqual([0]);
    expect(host.writes).toEqual([[0, 2000n]]);
    system.clockWasSet("wall");
    expect(host.ipis).toEqual([0]);
  });

  it("never moves a CLOCK_MONOTONIC timer", () => {
    const { host, system, occupy } = machine(1);
    occupy(0, 5000n);
    host.offsets = { sequence: 1, realtimeNs: 10n ** 18n, boottimeNs: 5n, taiNs: 10n ** 18n };
    host.writes.length = 0;
    system.clockWasSet("wall");
    system.clockWasSet("boot");
    expect([host.ipis, host.writes, system.cpu(0).expiresNext]).toEqual([[], [], 5000n]);
  });

  it("refreshes the offsets even where it asks nobody: the next interrupt expires by them", () => {
    const { host, system, on, timer } = machine(1);
    const wall = timer("wall", CLOCK_REALTIME);
    wall.start(50_000n, PINNED);
    host.offsets = { ...host.offsets, sequence: 1, realtimeNs: -10_000n };
    system.clockWasSet("wall");
    host.now = 50_000n;
    on(0, () => system.cpu(0).interrupt());
    expect([wall.isQueued, system.cpu(0).expiresNext]).toEqual([true, 60_000n]);
  });

  it("looks at BOOTTIME after a suspend, and at its soft timers", () => {
    const { host, system, timer } = machine(1);
    timer("tick").start(2000n, PINNED);
    timer("soft", CLOCK_BOOTTIME, SOFT).start(9000n, PINNED | SOFT);
    host.offsets = { ...host.offsets, sequence: 1, boottimeNs: 6000n };
    system.clockWasSet("wall");
    expect(system.cpu(0).softExpiresNext).toBe(9000n);
    host.offsets = { ...host.offsets, sequence: 2, boottimeNs: 6500n };
    system.clockWasSet("boot");
    expect([host.ipis, system.cpu(0).softExpiresNext]).toEqual([[0], 2500n]);
  });
});

describe("resume", () => {
  it("writes every online CPU's next event again", () => {
    const { host, system, occupy } = machine(3);
    occupy(0, 5000n);
    system.unplug(2);
    host.writes.length = 0;
    system.resume();
    expect(host.writes).toEqual([
      [0, 5000n],
      [1, KTIME_MAX],
    ]);
  });
});

describe("HrtimerSystem arguments", () => {
  it("are checked", () => {
    const clock = { monotonicNs: () => monotonicNs(0n) };
    const cpus = [{ device: { program: () => true } }];
    expect(() => new HrtimerSystem({ clock, cpus: [] })).toThrow(
      "HrtimerSystem: expected at least one CPU, got none",
    );
    expect(() => new HrtimerSystem({ clock, cpus, maxCallbacksPerInterrupt: 0 })).toThrow(RangeError);
    expect(() => new HrtimerSystem({ clock, cpus, maxCallbacksPerInterrupt: 1.5 })).toThrow(RangeError);
    expect(() => new HrtimerSystem({ clock, cpus, tickNs: 0n })).toThrow(
      "HrtimerSystem: expected tickNs of at least 1, got 0",
    );
    expect(() => new HrtimerSystem({ clock, cpus, tickNs: 1 as unknown as bigint })).toThrow(TypeError);
    for (const option of ["timerMigration", "equalTarget", "forceLocal", "resolution", "preemption"]) {
      expect(() => new HrtimerSystem({ clock, cpus, [option]: "maybe" })).toThrow(
        `HrtimerSystem: expected ${option} `,
      );
    }
    const system = new HrtimerSystem({ clock, cpus });
    expect(() => system.clockWasSet("raw" as "wall")).toThrow(
      new TypeError("clockWasSet: expected wall or boot, got raw"),
    );
    expect(() => system.createTimer(() => undefined, { mode: 16 })).toThrow(
      new RangeError("createTimer: expected an OR of HRTIMER_MODE_ bits (0 to 15), got 16"),
    );
    expect(() => system.cpu(1)).toThrow(new RangeError("cpu: expected a CPU id below 1, got 1"));
    expect(() => {
      system.currentCpu = -1;
    }).toThrow(new RangeError("currentCpu: expected a CPU id below 1, got -1"));
    expect(() => system.createTimer(undefined as unknown as () => undefined)).toThrow(
      new TypeError("createTimer: expected onExpiry to be a function, got undefined"),
    );
    expect(() => system.plug(7)).toThrow(RangeError);
  });
});
