import type { HostTsc } from "@chronovisor/clocksource";
import type { Lane } from "./lane.js";

/** Something that will happen at a known instant of the axis. */
export interface EventSource {
  /** Named when a limit stops the machine. */
  readonly name: string;
  /** Host TSC of its next event; undefined while it has none. */
  readonly nextAt: HostTsc | undefined;
  /** The CPU it runs on; undefined: it waits for every CPU, and every CPU for it. */
  readonly lane: Lane | undefined;
  /** Runs that event. The source moves its own `nextAt` on. */
  run(): void;
  /**
   * The counter was set: `instant` tells where what is to come now lies. A source that aims at a reading of a clock, or has
   * nothing to come while the counter is set, needs none.
   */
  moved?(instant: (at: HostTsc) => HostTsc): void;
}

/**
 * Events at one instant before the machine is declared stuck. A storm of exits that each cost nothing is legal and was
 * seen with 60 000; a program or timer that never lets time pass is not.
 */
export const EVENTS_PER_INSTANT = 2_000_000;

const NEVER = (): boolean => false;

/**
 * Time stopped: something kept making events at one instant, or never gave control back.
 *
 * @example
 * const stuck = new LivelockError("guest program spinner", "never let time pass");
 * stuck.message // => 'machine: guest program spinner never let time pass'
 */
export class LivelockError extends Error {
  override readonly name = "LivelockError";
  readonly culprit: string;

  constructor(culprit: string, detail: string) {
    super(`machine: ${culprit} ${detail}`);
    this.culprit = culprit;
  }
}

/**
 * The axis and what happens along it. Time is the host TSC: every clock of a host is a function of it, so nothing is
 * rounded that the kernel does not round. The engine always runs the earliest event. An event due on a busy CPU waits for
 * it; events that so come to run at one instant run in the order they fell due, then in the order their sources were added
 * (clock event devices by CPU, then vCPUs, then the timeline), each source until it has nothing left.
 */
export class Engine {
  #now: HostTsc;
  readonly #sources: EventSource[] = [];
  readonly #lanes: Lane[] = [];
  #lane: Lane | undefined;
  /** No event begins before: the running one began then, or every CPU was busy until then. */
  #begun: HostTsc;
  #atInstant = 0;
  /** Everything due by then has run. */
  #ranTo: HostTsc;
  /** Told, before time goes on to `to` or where a run ends there, that nothing more happens before. */
  onAdvance: ((to: HostTsc) => void) | undefined;

  constructor(start: HostTsc) {
    this.#now = start;
    this.#begun = start;
    this.#ranTo = start;
  }

  /** Host TSC on the CPU whose code runs: CPUs are up to one event apart. */
  get now(): HostTsc {
    return this.#now;
  }

  /** The CPU whose code runs; undefined in the timeline and between events. */
  get lane(): Lane | undefined {
    return this.#lane;
  }

  /** The instant before which nothing will happen any more. */
  get settled(): HostTsc {
    if (this.#lanes.length <= 1) return this.#now;
    return this.#begun < this.#ranTo ? this.#ranTo : this.#begun;
  }

  /** From when on no CPU's code is under way, as far as it has run. */
  get freeFrom(): HostTsc {
    return this.#freeAt(undefined, this.#begun);
  }

  /** Has `look` read the machine as it is at `tsc`, where nothing happens between now and then; it must not change it. */
  lookAt(tsc: HostTsc, look: () => void): void {
    const { now } = this;
    this.#now = tsc;
    try {
      look();
    } finally {
      this.#now = now;
    }
  }

  add(source: EventSource): void {
    this.#sources.push(source);
    const { lane } = source;
    if (lane !== undefined && !this.#lanes.includes(lane)) this.#lanes.push(lane);
  }

  /** Lets `cycles` of the running CPU's time pass; outside of any CPU, of every CPU's. What falls due there meanwhile runs late. */
  spend(cycles: bigint): void {
    if (cycles === 0n) return;
    this.#now = BigInt.asUintN(64, this.#now + cycles) as HostTsc;
    if (this.#lane !== undefined) this.#lane.busyUntil = this.#now;
    else this.#began(this.#now);
  }

  /**
   * The counter was set, forward or back, while no CPU ran: the axis goes on from `to`. A run under way keeps its end, which
   * is an instant of the new axis from now on.
   *
   * @param instant - where an instant to come of the old axis lies on the new one.
   */
  moveTo(to: HostTsc, instant: (at: HostTsc) => HostTsc): void {
    this.#now = to;
    this.#began(to);
    this.#ranTo = to;
    for (const lane of this.#lanes) lane.busyUntil = to;
    for (const source of this.#sources) source.moved?.(instant);
  }

  /** Runs `work` as code of the CPU `lane`, no earlier than that CPU is free. */
  on<T>(lane: Lane, work: () => T): T {
    const { now } = this;
    const caller = this.#lane;
    if (lane === caller) return work();
    if (lane.busyUntil > now) this.#now = lane.busyUntil;
    this.#enter(lane);
    try {
      return work();
    } finally {
      if (caller === undefined) this.#lane = undefined;
      else {
        this.#now = now;
        this.#enter(caller);
      }
    }
  }

  /** Runs every event due up to and including `end`, then moves to `end` unless an event ran past it. */
  runUntil(end: HostTsc): void {
    this.#run(end, NEVER);
    if (end > this.#ranTo) this.#ranTo = end;
    this.onAdvance?.(end);
    if (end > this.#now) this.#now = end;
  }

  /** Runs events until `done` says so after one of them, or the next is due after `end`. True if `done` did. */
  runUntilDone(done: () => boolean, end: HostTsc): boolean {
    return this.#run(end, done);
  }

  #run(end: HostTsc, done: () => boolean): boolean {
    try {
      return this.#runEvents(end, done);
    } finally {
      this.#lane = undefined;
    }
  }

  #runEvents(end: HostTsc, done: () => boolean): boolean {
    for (;;) {
      const source = this.#earliest();
      const due = source?.nextAt;
      if (source === undefined || due === undefined || due > end) return false;
      const at = this.#freeAt(source.lane, due);
      if (at > this.#begun) {
        this.onAdvance?.(at);
        this.#began(at);
      } else if (++this.#atInstant > EVENTS_PER_INSTANT) {
        throw new LivelockError(
          source.name,
          `made ${EVENTS_PER_INSTANT} events without time passing, at host TSC ${at}`,
        );
      }
      this.#now = at;
      this.#enter(source.lane);
      source.run();
      if (done()) return true;
    }
  }

  #began(at: HostTsc): void {
    this.#begun = at;
    this.#atInstant = 0;
  }

  #enter(lane: Lane | undefined): void {
    if (lane === this.#lane) return;
    this.#lane = lane;
    lane?.onCurrent?.();
  }

  /** When an event due at `due` can run. */
  #freeAt(lane: Lane | undefined, due: HostTsc): HostTsc {
    let at = due < this.#begun ? this.#begun : due;
    if (lane !== undefined) return lane.busyUntil > at ? lane.busyUntil : at;
    for (const { busyUntil } of this.#lanes) if (busyUntil > at) at = busyUntil;
    return at;
  }

  #earliest(): EventSource | undefined {
    return this.#lanes.length === 1 ? this.#firstDue() : this.#firstFree();
  }

  /** With one CPU everything waits for the same one: what fell due first runs first. */
  #firstDue(): EventSource | undefined {
    let best: EventSource | undefined;
    let bestDue: HostTsc | undefined;
    for (const source of this.#sources) {
      const due = source.nextAt;
      if (due !== undefined && (bestDue === undefined || due < bestDue)) {
        best = source;
        bestDue = due;
      }
    }
    return best;
  }

  #firstFree(): EventSource | undefined {
    let best: EventSource | undefined;
    let bestAt: HostTsc | undefined;
    let bestDue: HostTsc | undefined;
    for (const source of this.#sources) {
      const due = source.nextAt;
      // Where it falls due later than the best runs, it cannot run before it.
      if (due === undefined || (bestAt !== undefined && due > bestAt)) continue;
      const at = this.#freeAt(source.lane, due);
      if (bestAt === undefined || bestDue === undefined || at < bestAt || (at === bestAt && due < bestDue)) {
        best = source;
        bestAt = at;
        bestDue = due;
      }
    }
    return best;
  }
}
