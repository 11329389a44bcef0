import { monotonicNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Hrtimer, HrtimerSystem, type HrtimerSystemOptions, type HrtimerSystemState } from "./index.js";

const KTIME_MAX = 2n ** 63n - 1n;
const CPUS = 3;
const TIMERS = 8;
const PINNED = 2;
const SOFT = 4;
const POSIX_CLOCKS = [1, 0, 7, 11];

type Op =
  | {
      readonly op: "start";
      readonly cpu: number;
      readonly timer: number;
      readonly ns: number;
      readonly pinned: boolean;
    }
  | { readonly op: "cancel"; readonly cpu: number; readonly timer: number }
  | { readonly op: "tick"; readonly cpu: number; readonly ns: number }
  | { readonly op: "plug"; readonly cpu: number }
  | { readonly op: "step"; readonly ns: number };

/** A host of three CPUs whose timers re-arm themselves by their own number a few times. */
class Host {
  now = 1000n;
  realtimeNs = 0n;
  sequence = 0;
  readonly log: string[] = [];
  readonly timers: Hrtimer[];
  /** By timer: it may not fire, having been cancelled. */
  readonly cancelled = new Set<number>();
  readonly system: HrtimerSystem;

  readonly #isolated: number;

  /** CPU `isolated` takes no timers of others, CPU `idle` is idle; −1 = none. */
  constructor(isolated: number, idle: number, from?: { host: Host; state: HrtimerSystemState }) {
    this.#isolated = isolated;
    if (from !== undefined) {
      this.now = from.host.now;
      this.realtimeNs = from.host.realtimeNs;
      this.sequence = from.host.sequence;
      for (const id of from.host.cancelled) this.cancelled.add(id);
    }
    const options: HrtimerSystemOptions = {
      clock: {
        monotonicNs: () => monotonicNs(this.now),
        offsets: () => ({ sequence: this.sequence, realtimeNs: this.realtimeNs, boottimeNs: 5n, taiNs: 37n }),
      },
      cpus: Array.from({ length: CPUS }, (_, id) => ({
        device: {
          program: (expiresNs: bigint, force: "attempt" | "force"): boolean => {
            this.log.push(`cpu ${id} ${force} ${expiresNs}`);
            return force === "force" || expiresNs > this.now;
          },
        },
      })),
      topology: { isHousekeeping: (cpu) => cpu !== isolated, isIdle: (cpu) => cpu === idle },
    };
    this.system =
      from === undefined ? new HrtimerSystem(options) : HrtimerSystem.fromState(options, from.state);
    this.timers = Array.from({ length: TIMERS }, (_, id) => this.#createTimer(id));
  }

  #createTimer(id: number): Hrtimer {
    return this.system.createTimer(
      (timer) => {
        const self = timer as Hrtimer;
        this.log.push(`fire ${id} on ${self.cpu} at ${this.now}`);
        expect(self.clockNowNs >= self.softExpiresNs).toBe(true);
        expect(this.cancelled.has(id)).toBe(false);
        expect(self.tryToCancel()).toBe(-1);
        return self.expiresNs % 3n === 0n ? undefined : monotonicNs(self.expiresNs + BigInt(id + 1));
      },
      { clock: POSIX_CLOCKS[id % 4] as number, mode: id >= 4 ? SOFT : 0 },
    );
  }

  play(op: Op): void {
    const { system } = this;
    if (op.op === "step") {
      this.realtimeNs += BigInt(op.ns);
      this.sequence++;
      system.clockWasSet("wall");
      return;
    }
    const cpu = system.cpu(op.cpu);
    system.currentCpu = op.cpu;
    if (op.op === "plug") {
      if (!cpu.online) system.plug(op.cpu);
      else if (![0, 1, 2].some((id) => id !== op.cpu && this.#takesTimers(id))) return;
      else system.unplug(op.cpu);
      return;
    }
    if (op.op === "tick") {
      this.now += BigInt(op.ns);
      if (!cpu.online) return;
      const before = cpu.nrRetries;
      cpu.interrupt();
      expect(cpu.nrRetries - before).toBeLessThanOrEqual(3);
      if (cpu.softirqActivated) cpu.runSoftirq();
      return;
    }
    const timer = this.timers[op.timer] as Hrtimer;
    if (op.op === "start") {
      if (!cpu.online && !this.#hasHousekeeping()) return;
      this.cancelled.delete(op.timer);
      const mode = (op.pinned ? PINNED : 0) | (timer.isSoft ? SOFT : 0);
      timer.start(timer.clockNowNs + BigInt(op.ns), mode);
    } else if (timer.tryToCancel() === 1) this.cancelled.add(op.timer);
  }

  #takesTimers(cpu: number): boolean {
    return this.system.cpu(cpu).online && cpu !== this.#isolated;
  }

  #hasHousekeeping(): boolean {
    return [0, 1, 2].some((id) => this.#takesTimers(id));
  }
}

const cpuId = fc.nat({ max: CPUS - 1 });
const timerId = fc.nat({ max: TIMERS - 1 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("start" as const),
      cpu: cpuId,
      timer: timerId,
      ns: fc.integer({ min: -5, max: 40 }),
      pinned: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("cancel" as const), cpu: cpuId, timer: timerId }) },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("tick" as const), cpu: cpuId, ns: fc.nat({ max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("plug" as const), cpu: cpuId }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("step" as const), ns: fc.integer({ min: -50, max: 50 }) }),
  },
);

/** docs/model/hrtimer §9, 1 and 2; the others are checked where things happen. */
function checkInvariants(host: Host): void {
  const { timers, cpus } = host.system.state();
  const queued = cpus.flatMap(({ queues }) => queues.flat());
  expect(new Set(queued).size).toBe(queued.length);
  expect([...queued].sort()).toEqual(
    timers.flatMap((_, id) => (host.timers[id]?.isQueued ? [id] : [])).sort(),
  );
  for (const { queues, offsetsNs, expiresNext, softExpiresNext, hangDetected, online } of cpus) {
    if (hangDetected || !online) continue;
    const heads = queues.map((queue, base) => {
      const head = timers[queue[0] ?? -1];
      const at = head === undefined ? KTIME_MAX : BigInt(head.expiresNs) - BigInt(offsetsNs[base] ?? "0");
      return at < 0n ? 0n : at;
    });
    const isLate = (next: string) => (head: bigint) => BigInt(next) > head;
    expect(heads.filter(isLate(expiresNext))).toEqual([]);
    expect(heads.slice(4).filter(isLate(softExpiresNext))).toEqual([]);
  }
}

const topology = [fc.integer({ min: -1, max: 2 }), fc.integer({ min: -1, max: 2 })] as const;

describe("a system of three CPUs under any sequence of starts, cancels, ticks, plugs and clock steps", () => {
  it("keeps the invariants", () => {
    fc.assert(
      fc.property(...topology, fc.array(op, { maxLength: 60 }), (isolated, idle, script) => {
        const host = new Host(isolated, idle);
        for (const each of script) {
          host.play(each);
          checkInvariants(host);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("has the same future after a save and a restore", () => {
    fc.assert(
      fc.property(
        ...topology,
        fc.array(op, { maxLength: 40 }),
        fc.array(op, { maxLength: 40 }),
        (isolated, idle, before, after) => {
          const host = new Host(isolated, idle);
          for (const each of before) host.play(each);
          const saved = host.system.state();
          expect(JSON.parse(JSON.stringify(saved))).toEqual(saved);
          const copy = new Host(isolated, idle, { host, state: saved });
          expect(copy.system.state()).toEqual(saved);
          host.log.length = 0;
          for (const each of after) {
            host.play(each);
            copy.play(each);
          }
          expect(copy.log).toEqual(host.log);
          expect(copy.system.state()).toEqual(host.system.state());
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("HrtimerSystem.fromState", () => {
  const options = (count = 1): HrtimerSystemOptions => ({
    clock: { monotonicNs: () => monotonicNs(5000n) },
    cpus: Array.from({ length: count }, () => ({ device: { program: () => true } })),
  });
  const saved = (): HrtimerSystemState => {
    const system = new HrtimerSystem(options());
    system.createTimer(() => undefined, { name: "lapic0" }).start(1000n, 0);
    return system.state();
  };

  it("gives timers back in the order they are created again, and new ones after them", () => {
    const system = HrtimerSystem.fromState(options(), saved());
    const fired: string[] = [];
    const lapic = system.createTimer(
      (timer) => {
        fired.push((timer as Hrtimer).name);
        return undefined;
      },
      { name: "lapic0" },
    );
    const fresh = system.createTimer(() => undefined);
    expect([lapic.armed, lapic.expiresNs, fresh.armed, fresh.name]).toEqual([true, 1000n, false, "hrtimer1"]);
    system.cpu(0).interrupt();
    expect(fired).toEqual(["lapic0"]);
  });

  it.each([
    ["name", { name: "pit" }],
    ["clock", { name: "lapic0", clock: 7 }],
    ["isSoft", { name: "lapic0", mode: 4 }],
    ["isHard", { name: "lapic0", mode: 8 }],
  ])("refuses to give a timer to one with another %s", (key, other) => {
    const system = HrtimerSystem.fromState(options(), saved());
    expect(() => system.createTimer(() => undefined, other)).toThrow(
      `createTimer: expected restored timer 0 with ${key}`,
    );
  });

  it("says which timer nobody created again when it expires", () => {
    const system = HrtimerSystem.fromState(options(), saved());
    expect(() => system.cpu(0).interrupt()).toThrow(
      'interrupt: expected timer "lapic0" to be created again before it expires',
    );
  });

  it("refuses another number of CPUs and a state that names what is not there", () => {
    const state = saved();
    expect(() => HrtimerSystem.fromState(options(2), state)).toThrow("fromState: expected 2 CPUs, got 1");
    expect(() => HrtimerSystem.fromState(options(), { ...state, timers: [] })).toThrow(
      "fromState: expected a timer below 0, got 0",
    );
  });

  it.each([
    ["timer 0 on base 0, got 8", { base: 8 }],
    ["timer 0 on base 0, got 1", { base: 1 }],
    ["timer 0 on base 4, got 0", { isSoft: true }],
    ["expiresNs to be a signed 64-bit", { expiresNs: String(2n ** 63n) }],
    ["softExpiresNs to be a signed 64-bit", { softExpiresNs: String(-(2n ** 63n) - 1n) }],
  ])("refuses a saved timer: expected %s", (what, wrong) => {
    const state = saved();
    const timers = state.timers.map((timer) => ({ ...timer, ...wrong }));
    expect(() => HrtimerSystem.fromState(options(), { ...state, timers })).toThrow(
      `fromState: expected ${what}`,
    );
  });

  it("is not possible inside a callback", () => {
    const system = new HrtimerSystem(options());
    system
      .createTimer(() => {
        system.state();
        return undefined;
      })
      .start(1000n, 0);
    expect(() => system.cpu(0).interrupt()).toThrow(
      "state: expected no running timer callback, got one on CPU 0",
    );
  });
});
