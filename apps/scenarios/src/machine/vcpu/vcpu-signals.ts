import type { HostTsc } from "@chronovisor/clocksource";
import type { Lane } from "../engine/lane.js";
import type { Host } from "../host/host.js";

/** What is on its way to a running guest: a kick that makes it exit, the notification of a posted interrupt. */
export class VcpuSignals {
  readonly #host: Host;
  /** When a kick reaches it. */
  kickAt: HostTsc | undefined;
  /** When a notification does. */
  notifyAt: HostTsc | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  kick(lane: Lane): void {
    this.kickAt ??= this.#arrival(lane);
  }

  notify(lane: Lane): void {
    this.notifyAt ??= this.#arrival(lane);
  }

  /** The guest left: it will see what they stood for before it goes on. */
  clear(): void {
    this.kickAt = undefined;
    this.notifyAt = undefined;
  }

  /** When the first of them arrives. */
  get nextAt(): HostTsc | undefined {
    return earlier(this.kickAt, this.notifyAt);
  }

  /** When an interrupt sent now reaches the CPU of `lane`. */
  #arrival(lane: Lane): HostTsc {
    const { engine, ipiCycles } = this.#host;
    const remote = engine.lane !== undefined && engine.lane !== lane;
    return (remote ? engine.now + ipiCycles : engine.now) as HostTsc;
  }
}

export function earlier(a: HostTsc | undefined, b: HostTsc | undefined): HostTsc | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a <= b ? a : b;
}
