import { monotonicNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Hrtimer, HrtimerSystem } from "./index.js";

/**
 * One CPU's timers the obvious way: plain numbers with Infinity for "never", one flat list that is searched and sorted at
 * every step, written from docs/model/hrtimer §4.1 and §6.1 and sharing nothing with the source.
 */

const KTIME_MAX = 2n ** 63n - 1n;
const SOFT_MODE = 4;
const POSIX_CLOCKS = [1, 0, 7, 11];
const OFFSETS = [0, 40, 7, 77];

/** What a callback does, once per call; an exhausted plan is `nothing`. */
type Step =
  | { readonly kind: "nothing" }
  | { readonly kind: "again"; readonly byNs: number }
  | { readonly kind: "start"; readonly timer: number; readonly atNs: number; readonly againByNs: number }
  | { readonly kind: "cancel"; readonly timer: number }
  | { readonly kind: "spend"; readonly ns: number };

interface Setup {
  readonly clock: number;
  readonly soft: boolean;
  readonly plan: readonly Step[];
}

type Op =
  | { readonly op: "start"; readonly timer: number; readonly atNs: number; readonly slackNs: number }
  | { readonly op: "cancel"; readonly timer: number }
  | { readonly op: "wait"; readonly ns: number }
  | { readonly op: "interrupt" }
  | { readonly op: "softirq" };

interface NaiveTimer {
  readonly id: number;
  readonly base: number;
  readonly plan: Step[];
  soft: number;
  hard: number;
  /** When it was queued; undefined while it is not. */
  order: number | undefined;
}

class NaiveCpu {
  now = 100;
  log: unknown[] = [];
  next = Number.POSITIVE_INFINITY;
  softNext = Number.POSITIVE_INFINITY;
  nextId: number | undefined;
  softNextId: number | undefined;
  inIrq = false;
  hung = false;
  pending = false;
  retries = 0;
  running: number | undefined;
  readonly timers: NaiveTimer[];
  #order = 0;

  constructor(setups: readonly Setup[]) {
    this.timers = setups.map(({ clock, soft, plan }, id) => ({
      id,
      base: clock + (soft ? 4 : 0),
      plan: [...plan],
      soft: 0,
      hard: 0,
      order: undefined,
    }));
  }

  #timer(id: number): NaiveTimer {
    return this.timers[id] as NaiveTimer;
  }

  #queue(base: number): NaiveTimer[] {
    return this.timers
      .filter((timer) => timer.base === base && timer.order !== undefined)
      .sort((a, b) => a.hard - b.hard || Number(a.order) - Number(b.order));
  }

  #monotonic(timer: NaiveTimer): number {
    return timer.hard - Number(OFFSETS[timer.base % 4]);
  }

  /** Earliest head of four bases, the lower base on a tie. */
  #earliest(firstBase: number): { at: number; id: number | undefined } {
    const heads = [0, 1, 2, 3].flatMap((i) => this.#queue(firstBase + i).slice(0, 1));
    const best = heads.sort((a, b) => this.#monotonic(a) - this.#monotonic(b) || a.base - b.base)[0];
    return best === undefined
      ? { at: Number.POSITIVE_INFINITY, id: undefined }
      : { at: Math.max(0, this.#monotonic(best)), id: best.id };
  }

  #write(at: number, force: "attempt" | "force"): boolean {
    this.log.push(["write", at, force]);
    return force === "force" || at > this.now;
  }

  #update(): number {
    let soft = { at: Number.POSITIVE_INFINITY, id: undefined as number | undefined };
    if (!this.pending) {
      soft = this.#earliest(4);
      this.softNextId = soft.id;
      this.softNext = soft.at;
    }
    const hard = this.#earliest(0);
    this.nextId = hard.at > soft.at ? soft.id : hard.id;
    return Math.min(hard.at, soft.at);
  }

  #setNext(at: number): void {
    this.next = at;
    if (!this.hung) this.#write(at, "force");
  }

  #refresh(): void {
    if (this.inIrq) return;
    const at = this.#update();
    if (at !== this.next) this.#setNext(at);
  }

  #announce(timer: NaiveTimer): void {
    const at = Math.max(0, this.#monotonic(timer));
    if (timer.base >= 4) {
      if (this.pending || at >= this.softNext) return;
      this.softNext = at;
      this.softNextId = timer.id;
    }
    if (at >= this.next || this.inIrq) return;
    this.nextId = timer.id;
    this.#setNext(at);
  }

  start(id: number, at: number, slack: number): void {
    const timer = this.#timer(id);
    const wasNext = this.nextId === id;
    timer.order = this.#order++;
    timer.soft = at;
    timer.hard = at + slack;
    if (this.inIrq) return;
    if (wasNext) this.#refresh();
    else if (this.#queue(timer.base)[0] === timer) this.#announce(timer);
  }

  cancel(id: number): void {
    const timer = this.#timer(id);
    if (this.running === id) return;
    if (timer.order === undefined) return;
    timer.order = undefined;
    if (this.nextId === id) this.#refresh();
  }

  #run(timer: NaiveTimer, clockNow: number): void {
    timer.order = undefined;
    this.running = timer.id;
    this.log.push(["fire", timer.id, clockNow, timer.soft, timer.hard]);
    const step = timer.plan.shift() ?? { kind: "nothing" };
    let again: number | undefined;
    if (step.kind === "again") again = timer.hard + step.byNs;
    if (step.kind === "cancel") this.cancel(step.timer);
    if (step.kind === "spend") this.now += step.ns;
    if (step.kind === "start") {
      this.start(step.timer, this.now + Number(OFFSETS[this.#timer(step.timer).base % 4]) + step.atNs, 0);
      again = step.againByNs === 0 ? undefined : timer.hard + step.againByNs;
    }
    if (again !== undefined && timer.order === undefined) {
      // Byte-for-byte its own expiry leaves the soft one alone.
      if (again !== timer.hard) timer.soft = again;
      timer.hard = again;
      timer.order = this.#order++;
    }
    this.running = undefined;
  }

  #runAll(firstBase: number, passNow: number): void {
    const wasBusy = [0, 1, 2, 3].filter((i) => this.#queue(firstBase + i).length > 0);
    for (const i of wasBusy) {
      const clockNow = passNow + Number(OFFSETS[i]);
      for (;;) {
        const head = this.#queue(firstBase + i)[0];
        if (head === undefined || head.soft > clockNow) break;
        this.#run(head, clockNow);
      }
    }
  }

  interrupt(): void {
    const entry = this.now;
    for (let failures = 0; failures < 3; failures++) {
      const passNow = this.now;
      this.inIrq = true;
      this.next = Number.POSITIVE_INFINITY;
      if (passNow >= this.softNext) {
        this.softNext = Number.POSITIVE_INFINITY;
        this.pending = true;
        this.log.push(["raise"]);
      }
      this.#runAll(0, passNow);
      this.next = this.#update();
      this.inIrq = false;
      if (this.#write(this.next, "attempt")) {
        this.hung = false;
        return;
      }
      this.retries++;
    }
    this.hung = true;
    this.#write(this.now + Math.min(this.now - entry, 100_000_000), "force");
  }

  softirq(): void {
    this.#runAll(4, this.now);
    this.pending = false;
    const soft = this.#earliest(4);
    this.softNextId = soft.id;
    if (soft.id !== undefined) this.#announce(this.#timer(soft.id));
  }
}

/** The package, driven by the same setups. */
class RealCpu {
  now = 100n;
  log: unknown[] = [];
  readonly timers: Hrtimer[] = [];
  readonly system: HrtimerSystem;

  constructor(setups: readonly Setup[]) {
    const number = (ns: bigint): number => (ns === KTIME_MAX ? Number.POSITIVE_INFINITY : Number(ns));
    this.system = new HrtimerSystem({
      clock: {
        monotonicNs: () => monotonicNs(this.now),
        offsets: () => ({
          sequence: 1,
          realtimeNs: BigInt(Number(OFFSETS[1])),
          boottimeNs: BigInt(Number(OFFSETS[2])),
          taiNs: BigInt(Number(OFFSETS[3])),
        }),
      },
      cpus: [
        {
          device: {
            program: (expiresNs: bigint, force: "attempt" | "force"): boolean => {
              this.log.push(["write", number(expiresNs), force]);
              return force === "force" || expiresNs > this.now;
            },
          },
        },
      ],
      events: {
        onSoftirqRaised: () => this.log.push(["raise"]),
        onExpire: (timer, nowNs) =>
          this.log.push([
            "fire",
            this.timers.indexOf(timer),
            Number(nowNs),
            Number(timer.softExpiresNs),
            Number(timer.expiresNs),
          ]),
      },
    });
    for (const { clock, soft, plan } of setups) {
      const steps = [...plan];
      this.timers.push(
        this.system.createTimer(
          (self) => {
            const step = steps.shift() ?? { kind: "nothing" };
            const later = (ns: number) => monotonicNs(self.expiresNs + BigInt(ns));
            switch (step.kind) {
              case "nothing":
                return undefined;
              case "again":
                return later(step.byNs);
              case "cancel":
                this.timers[step.timer]?.tryToCancel();
                return undefined;
              case "spend":
                this.now += BigInt(step.ns);
                return undefined;
              case "start": {
                const again = later(step.againByNs);
                const other = this.timers[step.timer] as Hrtimer;
                other.start(other.clockNowNs + BigInt(step.atNs), other.isSoft ? SOFT_MODE : 0);
                return step.againByNs === 0 ? undefined : again;
              }
            }
          },
          { clock: POSIX_CLOCKS[clock] as number, mode: soft ? SOFT_MODE : 0 },
        ),
      );
    }
  }

  indexOf(timer: Hrtimer | undefined): number | undefined {
    return timer === undefined ? undefined : this.timers.indexOf(timer);
  }

  play(op: Op): void {
    const cpu = this.system.cpu(0);
    if (op.op === "start") {
      const timer = this.timers[op.timer] as Hrtimer;
      timer.startRange(BigInt(op.atNs), BigInt(op.slackNs), timer.isSoft ? SOFT_MODE : 0);
    } else if (op.op === "cancel") this.timers[op.timer]?.tryToCancel();
    else if (op.op === "wait") this.now += BigInt(op.ns);
    else if (op.op === "interrupt") cpu.interrupt();
    else cpu.runSoftirq();
  }
}

function playNaively(cpu: NaiveCpu, op: Op): void {
  if (op.op === "start") cpu.start(op.timer, op.atNs, op.slackNs);
  else if (op.op === "cancel") cpu.cancel(op.timer);
  else if (op.op === "wait") cpu.now += op.ns;
  else if (op.op === "interrupt") cpu.interrupt();
  else cpu.softirq();
}

const TIMERS = 6;
const timerId = fc.nat({ max: TIMERS - 1 });
// Small instants around now, so that ties, passed expiries and expiries before an offset are all common.
const instant = fc.nat({ max: 300 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("nothing" as const) }),
  fc.record({ kind: fc.constant("again" as const), byNs: fc.nat({ max: 40 }) }),
  fc.record({
    kind: fc.constant("start" as const),
    timer: timerId,
    atNs: fc.integer({ min: -40, max: 60 }),
    againByNs: fc.nat({ max: 40 }),
  }),
  fc.record({ kind: fc.constant("cancel" as const), timer: timerId }),
  fc.record({ kind: fc.constant("spend" as const), ns: fc.nat({ max: 60 }) }),
);
const setups: fc.Arbitrary<Setup[]> = fc.array(
  fc.record({ clock: fc.nat({ max: 3 }), soft: fc.boolean(), plan: fc.array(step, { maxLength: 6 }) }),
  { minLength: TIMERS, maxLength: TIMERS },
);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("start" as const),
      timer: timerId,
      atNs: instant,
      slackNs: fc.oneof(fc.constant(0), fc.nat({ max: 50 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("cancel" as const), timer: timerId }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("wait" as const), ns: fc.nat({ max: 40 }) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("interrupt" as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("softirq" as const) }) },
);

describe("one CPU against the naive reference", () => {
  it("writes the same device values, runs the same callbacks and remembers the same next events", () => {
    fc.assert(
      fc.property(setups, fc.array(op, { maxLength: 40 }), (timers, script) => {
        const naive = new NaiveCpu(timers);
        const real = new RealCpu(timers);
        const cpu = real.system.cpu(0);
        for (const each of script) {
          playNaively(naive, each);
          real.play(each);
          const finite = (ns: bigint): number => (ns === KTIME_MAX ? Number.POSITIVE_INFINITY : Number(ns));
          expect({
            log: real.log,
            next: finite(cpu.expiresNext),
            softNext: finite(cpu.softExpiresNext),
            nextTimer: real.indexOf(cpu.nextTimer),
            softNextTimer: real.indexOf(cpu.softNextTimer),
            hung: cpu.hangDetected,
            pending: cpu.softirqActivated,
            retries: cpu.nrRetries,
            queued: real.timers.map((timer) => timer.isQueued),
          }).toEqual({
            log: naive.log,
            next: naive.next,
            softNext: naive.softNext,
            nextTimer: naive.nextId,
            softNextTimer: naive.softNextId,
            hung: naive.hung,
            pending: naive.pending,
            retries: naive.retries,
            queued: naive.timers.map((timer) => timer.order !== undefined),
          });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
