import type { HostTsc } from "@chronovisor/clocksource";
import { HRTIMER_MODE_ABS, HRTIMER_MODE_PINNED } from "@chronovisor/hrtimer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostOf, MS, machineOf, oneShots, recordingTimer, startOn, tick, US } from "../fixtures/many-cpus.js";
import { Engine, type EventSource } from "./engine.js";
import { Lane } from "./lane.js";

const PINNED = HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED;

/** What happened: who, and when its code began. */
type Log = [name: string, begun: bigint][];

interface Job {
  readonly due: bigint;
  readonly cost: bigint;
}

/** Runs each job on `lane` when it is due, for as long as it costs. */
function worker(
  engine: Engine,
  name: string,
  lane: Lane | undefined,
  jobs: readonly Job[],
  log: Log,
): EventSource {
  const queue = [...jobs];
  return {
    name,
    lane,
    get nextAt() {
      return queue[0]?.due as HostTsc | undefined;
    },
    run() {
      log.push([name, engine.now]);
      engine.spend(queue.shift()?.cost ?? 0n);
    },
  };
}

describe("CPUs work side by side", () => {
  it("so what one spends delays nothing on another", () => {
    const engine = new Engine(0n as HostTsc);
    const log: Log = [];
    engine.add(worker(engine, "long", new Lane(), [{ due: 10n, cost: 1_000n }], log));
    engine.add(
      worker(
        engine,
        "short",
        new Lane(),
        [
          { due: 11n, cost: 1n },
          { due: 20n, cost: 1n },
        ],
        log,
      ),
    );
    engine.runUntil(100n as HostTsc);
    expect(log).toEqual([
      ["long", 10n],
      ["short", 11n],
      ["short", 20n],
    ]);
  });

  it("and what falls due on a busy one runs when it is free, in the order it fell due", () => {
    const engine = new Engine(0n as HostTsc);
    const lane = new Lane();
    const log: Log = [];
    // Added in this order: at one instant, due first still goes first.
    engine.add(worker(engine, "late", lane, [{ due: 30n, cost: 5n }], log));
    engine.add(worker(engine, "early", lane, [{ due: 20n, cost: 7n }], log));
    engine.add(worker(engine, "first", lane, [{ due: 10n, cost: 100n }], log));
    engine.runUntil(200n as HostTsc);
    expect(log).toEqual([
      ["first", 10n],
      ["early", 110n],
      ["late", 117n],
    ]);
  });

  it("but the scenario's own actions wait for all of them, and they for it", () => {
    const engine = new Engine(0n as HostTsc);
    const log: Log = [];
    engine.add(
      worker(
        engine,
        "cpu",
        new Lane(),
        [
          { due: 10n, cost: 50n },
          { due: 70n, cost: 0n },
        ],
        log,
      ),
    );
    engine.add(worker(engine, "timeline", undefined, [{ due: 20n, cost: 30n }], log));
    engine.runUntil(200n as HostTsc);
    expect(log).toEqual([
      ["cpu", 10n],
      ["timeline", 60n],
      ["cpu", 90n],
    ]);
  });

  it("and code run on another CPU's behalf takes that CPU's time, not the caller's", () => {
    const engine = new Engine(0n as HostTsc);
    const [here, there] = [new Lane(), new Lane()];
    const times: bigint[] = [];
    let due: bigint | undefined = 10n;
    engine.add({
      name: "caller",
      lane: here,
      get nextAt() {
        return due as HostTsc | undefined;
      },
      run() {
        due = undefined;
        engine.on(there, () => engine.spend(500n));
        times.push(engine.now);
        engine.on(there, () => times.push(engine.now));
        engine.spend(3n);
        times.push(engine.now);
      },
    });
    engine.runUntil(20n as HostTsc);
    expect(times).toEqual([10n, 510n, 13n]);
    expect([here.busyUntil, there.busyUntil]).toEqual([13n, 510n]);
  });

  it("equals, lane by lane, a queue served one at a time", () => {
    const job = fc.record({ due: fc.bigInt({ min: 0n, max: 100n }), cost: fc.bigInt({ min: 0n, max: 40n }) });
    const jobs = fc.array(job, { maxLength: 8 }).map((list) => list.sort((a, b) => Number(a.due - b.due)));
    fc.assert(
      fc.property(fc.array(jobs, { minLength: 1, maxLength: 4 }), (lanes) => {
        const engine = new Engine(0n as HostTsc);
        const log: Log = [];
        for (const [index, list] of lanes.entries()) {
          engine.add(worker(engine, `${index}`, new Lane(), list, log));
        }
        engine.runUntil(1_000n as HostTsc);
        for (const [index, list] of lanes.entries()) {
          let free = 0n;
          const served = list.map(({ due, cost }) => {
            const begun = due > free ? due : free;
            free = begun + cost;
            return begun;
          });
          expect(log.filter(([name]) => name === `${index}`).map(([, begun]) => begun)).toEqual(served);
        }
        // Whatever began later was not run before.
        const begins = log.map(([, begun]) => begun);
        expect(begins).toEqual([...begins].sort((a, b) => Number(a - b)));
      }),
    );
  });
});

describe("timers of a host", () => {
  it("expire in time on one CPU while the callback of another takes a millisecond", () => {
    const host = hostOf([{}, {}]);
    const log: [number, bigint][] = [];
    const slow = recordingTimer(host, log, MS);
    const quick = recordingTimer(host, log);
    const behind = recordingTimer(host, log);
    startOn(host, 0, slow, 10n * US, PINNED);
    startOn(host, 1, quick, 11n * US, PINNED);
    startOn(host, 0, behind, 12n * US, PINNED);
    host.engine.runUntil(host.tscAt(2n * MS));
    // CPUs are up to one event apart: an interrupt is run to its end before another CPU's earlier one.
    expect(log.sort(([, a], [, b]) => Number(a - b))).toEqual([
      [0, 10n * US],
      [1, 11n * US],
      [0, 10n * US + MS],
    ]);
  });

  it("run under the number of the CPU whose they are", () => {
    const host = hostOf([{}, {}, {}]);
    const seen: number[] = [];
    for (const id of [2, 0, 1]) {
      const timer = host.hrtimers.createTimer(() => {
        seen.push(host.hrtimers.currentCpu);
        return undefined;
      });
      startOn(host, id, timer, BigInt(10 + id), PINNED);
    }
    host.engine.runUntil(host.tscAt(MS));
    expect(seen).toEqual([0, 1, 2]);
  });
});

describe("an interrupt sent to another CPU", () => {
  // CPU 0 ticks within the timer's millisecond, so the timer expires there.
  const cpus = [{ load: "busy", tick: tick(500n * US) }, { timers: "nohz_full" }] as const;

  it.each([0n, 1n, 250n, 7_000n])("arrives %d ns later: a kick that much after the expiry", (ipiCost) => {
    const machine = machineOf(cpus, "v5.3", { ipiCost });
    const taken = oneShots(machine, [MS]);
    machine.runTo(5n * MS);
    expect(taken).toEqual([MS + ipiCost]);
    expect(machine.deliveries).toEqual([{ expiredOn: 0, injectedOn: 1, late: ipiCost }]);
    expect(machine.vcpu.counters.exitsFor.kick).toBe(1);
  });

  it.each([0n, 250n, 7_000n])("arrives %d ns later: the notification of a posted one too", (ipiCost) => {
    const kernel = "v5.3 + timerPlacement=posted";
    const machine = machineOf(cpus, kernel, { ipiCost, posting: "on", exitCost: 5n * US });
    const taken = oneShots(machine, [MS]);
    machine.runTo(5n * MS);
    expect(machine.deliveries).toEqual([{ expiredOn: 0, injectedOn: 0, late: ipiCost }]);
    expect(taken).toEqual([MS + ipiCost]);
    expect(machine.vcpu.counters.exitsFor.kick).toBeUndefined();
  });

  it("costs nothing where sender and receiver are one CPU", () => {
    const machine = machineOf([{}, {}], "v5.3", { ipiCost: 7n * US, exitCost: 2n * US, entryCost: 3n * US });
    const taken = oneShots(machine, [MS]);
    machine.runTo(5n * MS);
    // Armed at 0; the timer's interrupt is the exit, and the entry follows.
    expect(taken).toEqual([MS + 5n * US]);
  });

  it("overtakes no earlier one, and waits for a CPU that is busy", () => {
    const host = hostOf([{}, {}]);
    const log: [string, bigint][] = [];
    const cpu = host.cpu(1);
    const note = (name: string, cost: bigint) => (): void => {
      log.push([name, host.engine.now]);
      host.engine.spend(cost);
    };
    cpu.interruptAt(30n as HostTsc, note("third", 0n));
    cpu.interruptAt(10n as HostTsc, note("first", 100n));
    cpu.interruptAt(10n as HostTsc, note("second", 0n));
    host.engine.runUntil(host.tscAt(MS));
    expect(log).toEqual([
      ["first", 10n],
      ["second", 110n],
      ["third", 110n],
    ]);
  });
});
