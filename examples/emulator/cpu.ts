import { type ApicBus, LocalApic } from "@chronovisor/lapic";
import { clock, TimeoutTimer } from "./timeout-host.js";

/** What a program yields to stop until the next interrupt. */
export const HLT = "hlt";

/** Guest code: it runs until it halts, and receives the vector that woke it. Interrupts are masked while it runs. */
export type Program = Generator<typeof HLT, void, number>;

/** A program by the address it is started at. */
export type Entry = (cpu: Cpu, address: number) => Program;

/** A processor that understands nothing but its local APIC, an interrupt, and a halt. */
export class Cpu {
  readonly apic: LocalApic;
  #program: Program | undefined;
  #isScheduled = false;

  constructor(id: number, bus: ApicBus, entry: Entry) {
    const look = (): void => this.#schedule();
    this.apic = new LocalApic({
      id,
      clock,
      createTimer: (onExpiry) => new TimeoutTimer(onExpiry),
      bus,
      vcpu: {
        requestEvent: look,
        requestUnblock: look,
        wake: look,
        kick: look,
        startUp: (vector) => this.start(entry, vector * 4096),
      },
    });
    bus.connect(this.apic);
  }

  /** Runs `entry` until its first halt. */
  start(entry: Entry, address: number): void {
    this.#program = entry(this, address);
    this.#resume(() => this.#program?.next());
    this.#schedule();
  }

  /** A guest's store to its APIC's page. */
  write(offset: number, value: number): void {
    this.apic.write(offset, BigInt(value), 4);
  }

  /** Looks for interrupts once what runs now is done: two processors never run inside each other. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  /** One pass of the run loop. */
  #run(): void {
    this.apic.acceptEvents();
    this.apic.injectPendingTimer();
    while (this.#program !== undefined) {
      const vector = this.apic.acknowledge();
      if (vector === undefined) return;
      this.#resume(() => this.#program?.next(vector));
    }
  }

  #resume(step: () => IteratorResult<typeof HLT, void> | undefined): void {
    if (step()?.done === true) this.#program = undefined;
  }
}
