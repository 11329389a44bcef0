import type { HostTsc, KvmclockNs, MonotonicNs } from "@chronovisor/clocksource";
import type { VcpuGuestClock, XenGuestClock, XenHostClock } from "@chronovisor/xen-timer";
import type { Host } from "../../machine/host/host.js";
import type { XenAccuracyParams } from "./params.js";

/** The guest's clock as KVM can know it. */
export interface KnownGuestClock {
  /** By KVM's own reckoning, now. */
  kvmclockNs(): KvmclockNs;
  /** As the guest would read it, from KVM's last copy or from the guest's own area. */
  vcpuClock(source: "cached" | "area"): VcpuGuestClock | undefined;
}

/**
 * The clocks a starting timer reads, with time passing between two of its reads: an interrupt, a preemption. One read of the
 * TSC has no between.
 */
export class StartClocks implements XenHostClock, XenGuestClock {
  readonly #host: Host;
  readonly #guest: KnownGuestClock;
  readonly #fallback: XenAccuracyParams["fallback"];
  readonly #gapCycles: bigint;
  #isSecondRead = false;

  constructor(host: Host, guest: KnownGuestClock, { gap, fallback }: XenAccuracyParams) {
    this.#host = host;
    this.#guest = guest;
    this.#fallback = fallback;
    this.#gapCycles = host.cycles(gap);
  }

  /** A timer is about to start: the next read is its first. */
  begin(): void {
    this.#isSecondRead = false;
  }

  monotonicNs(): MonotonicNs {
    this.#read();
    return this.#host.clock.monotonicNs();
  }

  tsc(): HostTsc {
    this.#read();
    return this.#host.clock.tsc();
  }

  sample(): { monotonicNs: MonotonicNs; tsc: HostTsc } | undefined {
    return this.#fallback === "no-tsc-read" ? undefined : this.#host.clock.sample();
  }

  kvmclockNs(): KvmclockNs {
    this.#read();
    return this.#guest.kvmclockNs();
  }

  vcpuClock(source: "cached" | "area"): VcpuGuestClock | undefined {
    return this.#fallback === "no-clock-page" ? undefined : this.#guest.vcpuClock(source);
  }

  #read(): void {
    if (this.#isSecondRead) this.#host.engine.spend(this.#gapCycles);
    this.#isSecondRead = true;
  }
}
