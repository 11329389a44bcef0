import type { HostTsc } from "@chronovisor/clocksource";

/** Something that will happen at a known instant of the axis. */
export interface EventSource {
  /** Named when a limit stops the machine. */
  readonly name: string;
  /** Host TSC of its next event; undefined while it has none. */
  readonly nextAt: HostTsc | undefined;
  /** Runs that event. The source moves its own `nextAt` on. */
  run(): void;
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
 * rounded that the kernel does not round. The engine always runs the earliest event; at one instant sources run in the
 * order they were added (clock event devices by CPU, then vCPUs, then the timeline), each until it has nothing left.
 */
export class Engine {
  #now: HostTsc;
  readonly #sources: EventSource[] = [];
  #atInstant = 0;

  constructor(start: HostTsc) {
    this.#now = start;
  }

  get now(): HostTsc {
    return this.#now;
  }

  add(source: EventSource): void {
    this.#sources.push(source);
  }

  /** Lets `cycles` of host time pass inside the event that is running. Events that fall due meanwhile run late. */
  spend(cycles: bigint): void {
    if (cycles === 0n) return;
    this.#now = BigInt.asUintN(64, this.#now + cycles) as HostTsc;
    this.#atInstant = 0;
  }

  /** Runs every event due up to and including `end`, then moves to `end` unless an event ran past it. */
  runUntil(end: HostTsc): void {
    this.#run(end, NEVER);
    if (end > this.#now) {
      this.#now = end;
      this.#atInstant = 0;
    }
  }

  /** Runs events until `done` says so after one of them, or the next is due after `end`. True if `done` did. */
  runUntilDone(done: () => boolean, end: HostTsc): boolean {
    return this.#run(end, done);
  }

  #run(end: HostTsc, done: () => boolean): boolean {
    for (;;) {
      const source = this.#earliest();
      const at = source?.nextAt;
      if (source === undefined || at === undefined || at > end) return false;
      if (at > this.#now) {
        this.#now = at;
        this.#atInstant = 0;
      } else if (++this.#atInstant > EVENTS_PER_INSTANT) {
        throw new LivelockError(
          source.name,
          `made ${EVENTS_PER_INSTANT} events without time passing, at host TSC ${this.#now}`,
        );
      }
      source.run();
      if (done()) return true;
    }
  }

  #earliest(): EventSource | undefined {
    let best: EventSource | undefined;
    let bestAt: HostTsc | undefined;
    for (const source of this.#sources) {
      const at = source.nextAt;
      if (at !== undefined && (bestAt === undefined || at < bestAt)) {
        best = source;
        bestAt = at;
      }
    }
    return best;
  }
}
