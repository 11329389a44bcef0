import { Tally, type TallySummary } from "./tally.js";

/** How an expiry reached the vCPU. */
export interface DeliveryFindings {
  /** Expiries of the timer. */
  readonly expiries: number;
  /** The interrupt that followed them, and the event that shows it. */
  readonly vector: number | undefined;
  readonly shownBy: DeliveryEvent | undefined;
  /** From expiry to interrupt, on one CPU. */
  readonly local: TallySummary;
  /** The same, where the timer expired on another CPU than the interrupt was injected on. */
  readonly remote: TallySummary;
  /** From each expiry to the interrupt where the log does not have the CPU of one of them. */
  readonly unplaced: TallySummary;
  /** What ended the wait of the remote ones: the vCPU's first exit after the expiry, or that it was not in the guest. */
  readonly remoteEnds: ReadonlyMap<string, number>;
  /** Expiries of which the guest saw none of its own, as another one came before the interrupt. */
  readonly merged: number;
}

/** What shows that a vCPU got an interrupt: injected by KVM, or accepted by the local APIC where the hardware injects. */
export type DeliveryEvent = "kvm_inj_virq" | "kvm_apic_accept_irq" | "kvm_apicv_accept_irq";

/** Expiries that are remembered; older ones are counted and no longer timed. */
const MAX_RECENT = 64;
/** Instead of an exit: the thread was in the host, or asleep, when its timer expired. */
export const NOT_IN_GUEST = "not in the guest";
/** Reasons told apart; the hardware has fewer. */
const MAX_REASONS = 64;

interface Expiry {
  readonly sequence: number;
  readonly time: bigint;
  readonly cpu: number | undefined;
  /** What the vCPU's thread did first after it: its reason to leave the guest. */
  end: string | undefined;
}

interface Candidate {
  readonly event: DeliveryEvent;
  readonly vector: number;
  matchedSequence: number;
  matches: number;
  merged: number;
  readonly local: Tally;
  readonly remote: Tally;
  readonly unplaced: Tally;
  readonly remoteEnds: Map<string, number>;
}

/**
 * Pairs the expiries of one vCPU's timer with the interrupts that follow.
 *
 * No event says which vector is the timer's unless the log has the guest's write of LVTT, so every vector is a candidate: for each,
 * the first interrupt after each expiry is taken for its delivery, and the vector with most of them is the timer's.
 */
export class DeliveryWatch {
  #expiries = 0;
  readonly #recent: Expiry[] = [];
  #knownVector: number | undefined;
  readonly #candidates = new Map<string, Candidate>();

  get expiries(): number {
    return this.#expiries;
  }

  /** The guest said which vector it wants (LVTT). */
  vectorKnown(vector: number): void {
    this.#knownVector = vector;
  }

  /** The timer expired on a CPU. */
  expired(time: bigint, cpu: number | undefined, vcpu: "in-guest" | "in-host" | "unknown"): void {
    this.#expiries += 1;
    const end = vcpu === "in-host" ? NOT_IN_GUEST : undefined;
    this.#recent.push({ sequence: this.#expiries, time, cpu, end });
    if (this.#recent.length > MAX_RECENT) this.#recent.shift();
  }

  /** The vCPU left the guest. */
  exited(reason: string): void {
    for (let i = this.#recent.length - 1; i >= 0; i--) {
      const expiry = this.#recent[i];
      if (expiry === undefined || expiry.end !== undefined) return;
      expiry.end = reason;
    }
  }

  /** The vCPU got an interrupt, on a CPU. */
  delivered(event: DeliveryEvent, time: bigint, cpu: number | undefined, vector: number): void {
    if (this.#expiries === 0 || vector < 0 || vector > 255) return;
    const candidate = this.#candidate(event, vector);
    const waiting = this.#recent.filter(({ sequence }) => sequence > candidate.matchedSequence);
    const [first] = waiting;
    if (first === undefined) return;
    candidate.merged += this.#expiries - candidate.matchedSequence - 1;
    candidate.matchedSequence = this.#expiries;
    candidate.matches += 1;
    const latency = time - first.time;
    // Lines out of order: the interrupt cannot have come before.
    if (latency < 0n) return;
    if (first.cpu === undefined || cpu === undefined) {
      candidate.unplaced.add(time, latency);
      return;
    }
    if (first.cpu === cpu) {
      candidate.local.add(time, latency);
      return;
    }
    candidate.remote.add(time, latency);
    const end = first.end ?? "unknown";
    const ends = candidate.remoteEnds;
    if (ends.has(end) || ends.size < MAX_REASONS) ends.set(end, (ends.get(end) ?? 0) + 1);
  }

  findings(): DeliveryFindings {
    const chosen = this.#chosen();
    const nothing = new Tally().summary();
    return {
      expiries: this.#expiries,
      vector: chosen?.vector,
      shownBy: chosen?.event,
      local: chosen?.local.summary() ?? nothing,
      remote: chosen?.remote.summary() ?? nothing,
      unplaced: chosen?.unplaced.summary() ?? nothing,
      remoteEnds: new Map(chosen?.remoteEnds),
      merged: chosen?.merged ?? 0,
    };
  }

  #candidate(event: DeliveryEvent, vector: number): Candidate {
    const key = `${event} ${vector}`;
    const known = this.#candidates.get(key);
    if (known !== undefined) return known;
    const candidate: Candidate = {
      event,
      vector,
      // What expired before the first interrupt of this vector is not its business, the last one apart.
      matchedSequence: this.#expiries - 1,
      matches: 0,
      merged: 0,
      local: new Tally(),
      remote: new Tally(),
      unplaced: new Tally(),
      remoteEnds: new Map(),
    };
    this.#candidates.set(key, candidate);
    return candidate;
  }

  #chosen(): Candidate | undefined {
    const known = [...this.#candidates.values()].filter(
      ({ vector }) => this.#knownVector === undefined || vector === this.#knownVector,
    );
    const most = Math.max(0, ...known.map(({ matches }) => matches));
    // An injection is the interrupt itself; acceptance comes before it, and on every delivery where the hardware injects.
    const injected = known
      .filter(({ event }) => event === "kvm_inj_virq")
      .sort((a, b) => b.matches - a.matches)[0];
    if (injected !== undefined && injected.matches * 2 >= most) return injected;
    return known.find(({ matches }) => matches === most);
  }
}
