import type { HostTsc } from "@chronovisor/clocksource";
import type { TraceEvent } from "@chronovisor/trace";
import { ClockTrace } from "./clock-trace.js";
import { exitReasonName } from "./exit-reasons.js";
import { HrtimerTrace } from "./hrtimer-trace.js";
import type { TraceOrder } from "./trace-order.js";
import type { Teller, TracedHost } from "./traced-machine.js";

/** What a host and its VM tell of themselves; a machine that nobody listens to has none. */
export class MachineTrace implements Teller {
  readonly hrtimers: HrtimerTrace;
  readonly clocks: ClockTrace;
  readonly #host: TracedHost;
  readonly #order: TraceOrder;
  #flows = 0;

  /**
   * @param host - with its engine and its clock; its CPUs may come later.
   * @param order - where it tells.
   * @param tscKhz - the TSC's frequency as the host's kernel calibrated it.
   */
  constructor(host: TracedHost, order: TraceOrder, tscKhz: number) {
    const { engine } = host;
    this.#host = host;
    this.#order = order;
    order.settledAt = () => engine.settled;
    this.hrtimers = new HrtimerTrace(this);
    this.clocks = new ClockTrace(host, this, tscKhz);
    if (order.clocksAtNs !== undefined) this.clocks.readAt(order.clocksAtNs);
    engine.onAdvance = (to) => {
      this.clocks.advance(to);
      order.settle();
    };
    this.emit({ kind: "epoch", at: host.startTsc, ns: 0n });
    this.clocks.updated();
  }

  /** The instant of what is told now. */
  get now(): HostTsc {
    return this.#host.engine.now;
  }

  emit(event: TraceEvent): void {
    this.#order.emit(event);
  }

  /** The number of the next arming, which joins what comes of it. */
  nextFlow(): number {
    this.#flows += 1;
    return this.#flows;
  }

  /** A vCPU left the guest, or would have if its exit were not handled at once. */
  exited(vcpu: number, reason: string): void {
    this.emit({ kind: "vm-exit", at: this.now, vcpu, reason: exitReasonName(reason) });
  }

  /** The counter was stopped or set: it goes on from here. */
  axisMoved(): void {
    this.#order.flush();
    this.emit({ kind: "epoch", at: this.now, ns: this.#host.trueNs(this.now) });
  }
}
