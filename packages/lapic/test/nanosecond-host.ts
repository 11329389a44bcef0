import type { MonotonicNs } from "@chronovisor/clocksource";
import { FakeHost } from "./fake-host.js";

/** A host for measurements: CLOCK_MONOTONIC is the TSC at 1 GHz, without a division. */
export class NanosecondHost extends FakeHost {
  constructor() {
    super({ khz: 1_000_000 });
  }
  override monotonicNs(): MonotonicNs {
    return this.now as MonotonicNs;
  }
}
