import { HRTIMER_MODE_ABS, HRTIMER_MODE_PINNED } from "@chronovisor/hrtimer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../random/random.js";
import {
  hostOf,
  MS,
  machineOf,
  oneShots,
  periods,
  recordingTimer,
  startOn,
  tick,
  US,
} from "../fixtures/many-cpus.js";
import type { HostCpuOptions } from "./host.js";

const UNPINNED = HRTIMER_MODE_ABS;
const PINNED = HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED;

const ISOLATED: HostCpuOptions = { timers: "nohz_full" };
const IDLE: HostCpuOptions = { tick: tick(MS) };
const BUSY: HostCpuOptions = { load: "busy", tick: tick(MS) };
/** Busy, and without an event of its own. */
const TICKLESS: HostCpuOptions = { load: "busy" };

/** The CPU on which a timer expires that CPU `from` starts for `expiresNs`. */
function expiresOn(cpus: readonly HostCpuOptions[], from: number, expiresNs: bigint, mode: number): number {
  const host = hostOf(cpus);
  const log: [number, bigint][] = [];
  startOn(host, from, recordingTimer(host, log), expiresNs, mode);
  host.engine.runUntil(host.tscAt(100n * MS));
  expect(log).toHaveLength(1);
  const [[cpu, at] = [-1, 0n]] = log;
  expect(at).toBe(expiresNs);
  return cpu;
}

describe("an unpinned timer of 10 ms", () => {
  it.each<[string, readonly HostCpuOptions[], number, number]>([
    ["stays on a busy housekeeping CPU", [BUSY, BUSY, ISOLATED], 1, 1],
    ["leaves a nohz_full CPU for the first busy housekeeping CPU", [IDLE, BUSY, BUSY, ISOLATED], 3, 1],
    ["leaves an idle housekeeping CPU for a busy one", [IDLE, IDLE, BUSY], 0, 2],
    ["stays on an idle housekeeping CPU if all are", [IDLE, IDLE, ISOLATED], 0, 0],
    [
      "stays on a nohz_full CPU if all housekeeping CPUs are idle: they have no event",
      [IDLE, ISOLATED],
      1,
      1,
    ],
    ["stays on a nohz_full CPU if the busy one has no event", [TICKLESS, ISOLATED], 1, 1],
    ["goes to no other nohz_full CPU, busy as it may be", [IDLE, { ...ISOLATED, ...BUSY }, ISOLATED], 2, 2],
  ])("%s", (_why, cpus, from, to) => {
    expect(expiresOn(cpus, from, 10n * MS, UNPINNED)).toBe(to);
  });

  it("goes nowhere when it is due before the other CPU's next event, and there at that very instant", () => {
    const cpus = [BUSY, ISOLATED];
    expect(expiresOn(cpus, 1, MS - 1n, UNPINNED)).toBe(1);
    expect(expiresOn(cpus, 1, MS, UNPINNED)).toBe(0);
    expect(expiresOn(cpus, 1, MS + 1n, UNPINNED)).toBe(0);
  });

  it("stays if it is pinned", () => {
    for (const from of [0, 1, 2])
      expect(expiresOn([BUSY, IDLE, ISOLATED], from, 10n * MS, PINNED)).toBe(from);
  });

  it("is where the rule says, for any mix of CPUs", () => {
    const kind = fc.constantFrom(IDLE, BUSY, TICKLESS, ISOLATED);
    fc.assert(
      fc.property(
        fc.array(kind, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.boolean(),
        (kinds, pick, early) => {
          const cpus = [...kinds, IDLE];
          const from = pick % cpus.length;
          const isolated = (id: number): boolean => cpus[id]?.timers === "nohz_full";
          const busy = (id: number): boolean => cpus[id]?.load === "busy";
          const ids = cpus.map((_, id) => id);
          const other = ids.find((id) => id !== from && !isolated(id) && busy(id));
          const here = !isolated(from) && (busy(from) || other === undefined);
          const candidate = here ? from : (other ?? ids.find((id) => !isolated(id)) ?? from);
          // Only a ticking CPU has an event, at 1 ms.
          const suits = candidate === from || (cpus[candidate] === BUSY && !early);
          const expiresNs = early ? MS / 2n : 10n * MS;
          expect(expiresOn(cpus, from, expiresNs, UNPINNED)).toBe(suits ? candidate : from);
        },
      ),
    );
  });
});

describe("S001.4: a guest's timer due exactly at the tick of the CPU it could go to", () => {
  const cpus = [{ ...BUSY, tick: tick(4n * MS) }, ISOLATED];
  const expiredOn = (kernel: string, length: bigint): number | undefined => {
    const machine = machineOf(cpus, `${kernel} + timerPlacement=unpinned-kick`);
    oneShots(machine, [length]);
    machine.runTo(10n * MS);
    return machine.deliveries[0]?.expiredOn;
  };

  it("stays up to v4.15, and goes there from v4.16 on", () => {
    expect(["v4.5", "v4.15", "v4.16", "v7.3"].map((kernel) => expiredOn(kernel, 4n * MS))).toEqual([
      1, 1, 0, 0,
    ]);
  });

  it("makes no difference a nanosecond before or after", () => {
    for (const kernel of ["v4.15", "v4.16"]) {
      expect(expiredOn(kernel, 4n * MS - 1n)).toBe(1);
      expect(expiredOn(kernel, 4n * MS + 1n)).toBe(0);
    }
  });
});

describe("a CPU is idle", () => {
  it("while its vCPU is halted, and not while the guest runs: timers of others leave or stay by that", () => {
    // CPU 0 has no event, so only what CPU 1 itself may keep decides.
    const machine = machineOf([{ ...BUSY, tick: tick(100n * US) }, {}], "v5.3");
    const { host, vcpu } = machine;
    const taken = oneShots(machine, [2n * MS], "halts");
    machine.runTo(MS);
    expect([vcpu.state, host.cpu(1).idle, host.cpu(0).idle]).toEqual(["blocked", true, false]);
    const log: [number, bigint][] = [];
    startOn(host, 1, recordingTimer(host, log), 5n * MS, UNPINNED);
    machine.runTo(6n * MS);
    expect(log).toEqual([[0, 5n * MS]]);
    expect(taken).toEqual([2n * MS]);

    const running = machineOf([{ ...BUSY, tick: tick(100n * US) }, {}], "v5.3");
    oneShots(running, [2n * MS]);
    running.runTo(MS);
    expect(running.host.cpu(1).idle).toBe(false);
    const stays: [number, bigint][] = [];
    startOn(running.host, 1, recordingTimer(running.host, stays), 5n * MS, UNPINNED);
    running.runTo(6n * MS);
    expect(stays).toEqual([[1, 5n * MS]]);
  });

  it("counts each piece of work that is on it", () => {
    const cpu = hostOf([{ load: "busy" }, {}]).cpu(0);
    cpu.startHog();
    cpu.stopHog();
    expect(cpu.idle).toBe(false);
    cpu.stopHog();
    expect(cpu.idle).toBe(true);
  });
});

describe("a halted guest's timer on a host without a preemption timer", () => {
  it.each(["v4.5", "v4.17", "v7.3"])("stays where it was queued under %s, tick after tick", (kernel) => {
    const machine = machineOf([BUSY, ISOLATED], `${kernel} + timerPlacement=unpinned-kick`);
    const taken = periods(machine, 500n * US, "halts");
    machine.runTo(10n * MS);
    // Due before the tick of CPU 0, so it began here; each later start would have found a tick before it.
    expect(new Set(machine.deliveries.map(({ expiredOn }) => expiredOn))).toEqual(new Set([1]));
    expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => BigInt(i + 1) * 500n * US));
    expect(machine.vcpu.counters.restarts).toBe(1 + 20);
  });
});

describe("a CPU that is unplugged", () => {
  it("leaves its timers, pinned or not, to a housekeeping CPU, in their order", () => {
    const host = hostOf([ISOLATED, IDLE, IDLE], { ipiNs: 500n });
    const log: [number, bigint][] = [];
    for (const expires of [5n, 3n, 4n]) startOn(host, 2, recordingTimer(host, log), expires * MS, PINNED);
    host.engine.runUntil(host.tscAt(MS));
    host.unplug(2);
    expect([host.cpu(2).timers.queued, host.cpu(1).timers.queued]).toEqual([0, 3]);
    host.engine.runUntil(host.tscAt(10n * MS));
    expect(log).toEqual([
      [1, 3n * MS],
      [1, 4n * MS],
      [1, 5n * MS],
    ]);
  });

  it("takes no interrupt any more, and comes back with nothing to do", () => {
    const host = hostOf([IDLE, BUSY]);
    const log: [number, bigint][] = [];
    host.unplug(1);
    expect(host.cpu(1).nextAt).toBeUndefined();
    expect(host.cpu(1).online).toBe(false);
    host.engine.runUntil(host.tscAt(5n * MS));
    expect(host.cpu(1).tick?.count).toBe(0);
    host.plug(1);
    expect(host.cpu(1).online).toBe(true);
    // The work that kept it busy is back with it, and so is its tick, on its grid.
    startOn(host, 1, recordingTimer(host, log), 7n * MS, PINNED);
    host.engine.runUntil(host.tscAt(10n * MS));
    expect(log).toEqual([[1, 7n * MS]]);
    expect(host.cpu(1).tick?.count).toBe(5);
  });

  it("has what is started there pinned afterwards queued on a housekeeping CPU, which is told", () => {
    const host = hostOf([ISOLATED, IDLE, IDLE], { ipiNs: 300n });
    const log: [number, bigint][] = [];
    const timer = recordingTimer(host, log);
    host.unplug(2);
    startOn(host, 2, timer, MS, PINNED);
    expect(timer.cpu).toBe(1);
    host.engine.runUntil(host.tscAt(2n * MS));
    expect(log).toEqual([[1, MS]]);
  });

  it("is refused as the last one that serves timers, as an unknown one, and with a thread but no heir", () => {
    const host = hostOf([IDLE, ISOLATED]);
    expect(() => host.unplug(0)).toThrow(
      new RangeError("Host.unplug: expected another housekeeping CPU online, got only CPU 0"),
    );
    expect(() => host.unplug(2)).toThrow(new RangeError("Host.cpu: expected a CPU below 2, got 2"));
    const machine = machineOf([IDLE, ISOLATED], "v7.3");
    expect(() => machine.host.unplug(1)).toThrow(
      new RangeError("Host.unplug: expected another CPU to take vCPU 0, got none"),
    );
    expect(() => machine.host.unplug(1, 1)).toThrow(
      new RangeError("Host.unplug: expected another CPU to take vCPU 0, got CPU 1"),
    );
    const without = hostOf([IDLE, ISOLATED]);
    without.unplug(1);
    expect(() => without.unplug(1)).toThrow(
      new RangeError("Host.unplug: expected an online CPU, got CPU 1, offline"),
    );
    expect(() => hostOf([ISOLATED])).toThrow(RangeError);
  });

  it("is left as it was when it cannot go", () => {
    const host = hostOf([BUSY, ISOLATED]);
    expect(() => host.unplug(0)).toThrow(RangeError);
    expect(host.cpu(0).online).toBe(true);
    host.engine.runUntil(host.tscAt(3n * MS));
    expect(host.cpu(0).tick?.count).toBe(3);
  });
});

describe("the same machine", () => {
  it("does the same under a seed, to the byte, and something else under another", () => {
    fc.assert(
      fc.property(fc.nat(), fc.bigInt({ min: 10n * US, max: 50n * US }), (seed, exitJitter) => {
        const trace = (from: number): string => {
          const random = seededRandom(from);
          const machine = machineOf([BUSY, ISOLATED], "v5.3", { exitJitter, random });
          oneShots(machine, [300n * US, MS, 2n * MS]);
          machine.runTo(10n * MS);
          const events = machine.log.events();
          return JSON.stringify(events, (_key, value) => (typeof value === "bigint" ? `${value}` : value));
        };
        expect(trace(seed)).toBe(trace(seed));
        expect(trace(seed + 1)).not.toBe(trace(seed));
      }),
      { numRuns: 20 },
    );
  });
});
