import { AdvanceWatch } from "./advance-watch.js";
import { BackendWatch } from "./backend-watch.js";
import { ClockWatch } from "./clock-watch.js";
import { DeliveryWatch } from "./delivery-watch.js";
import { ExpiryWatch } from "./expiry-watch.js";
import type { GuestTimerKind, VcpuFindings } from "./findings.js";
import { OffsetWatch } from "./offset-watch.js";
import type { VcpuName } from "./vcpu-directory.js";
import { XenTimerWatch } from "./xen-timer-watch.js";

/** One of a vCPU's timers. */
export interface TimerWatch {
  readonly delivery: DeliveryWatch;
  readonly expiry: ExpiryWatch;
}

/** All that is followed of one vCPU. */
export class VcpuWatch {
  readonly clock = new ClockWatch();
  readonly offset = new OffsetWatch();
  readonly backend = new BackendWatch();
  readonly advance = new AdvanceWatch();
  readonly xen = new XenTimerWatch();
  place: "in-guest" | "in-host" | "unknown" = "unknown";
  readonly #timers = new Map<GuestTimerKind, TimerWatch>();

  timer(kind: GuestTimerKind): TimerWatch {
    const known = this.#timers.get(kind);
    if (known !== undefined) return known;
    const timer = { delivery: new DeliveryWatch(), expiry: new ExpiryWatch() };
    this.#timers.set(kind, timer);
    return timer;
  }

  timers(): Iterable<TimerWatch> {
    return this.#timers.values();
  }

  findings(name: VcpuName): VcpuFindings {
    return {
      name,
      clock: this.clock.findings(),
      offset: this.offset.findings(),
      timers: [...this.#timers]
        .filter(([, { delivery }]) => delivery.expiries > 0)
        .map(([kind, { delivery, expiry }]) => ({
          kind,
          delivery: delivery.findings(),
          expiry: expiry.findings(),
        })),
      backend: this.backend.findings(),
      advance: this.advance.findings(),
      xen: this.xen.findings(),
    };
  }
}
