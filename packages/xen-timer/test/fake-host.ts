import type { HostTsc, KvmclockNs, MonotonicNs } from "@chronovisor/clocksource";
import type { OnExpiry, Timer } from "@chronovisor/hrtimer";
import type { VcpuGuestClock, XenGuestClock, XenHostClock } from "../src/index.js";

/** How far the guest clock is from CLOCK_MONOTONIC: a guest started after its host. */
const GUEST_BEHIND_NS = 1_000_000_000n;

/** A timer that fires when its host says so. */
export class FakeTimer implements Timer {
  armed = false;
  expiresNs: MonotonicNs = 0n as MonotonicNs;
  readonly modes: number[] = [];
  readonly #onExpiry: OnExpiry;

  constructor(onExpiry: OnExpiry) {
    this.#onExpiry = onExpiry;
  }
  start(expiresNs: MonotonicNs, mode: number): void {
    this.armed = true;
    this.expiresNs = expiresNs;
    this.modes.push(mode);
  }
  cancel(): boolean {
    const was = this.armed;
    this.armed = false;
    return was;
  }
  fire(): void {
    this.armed = false;
    this.#onExpiry(this);
  }
}

/**
 * A host of 1 GHz whose time moves only when a test moves it, with one guest clock off it. All rates are one, so what a
 * timer is late by is what its start got wrong.
 */
export class FakeHost implements XenHostClock, XenGuestClock {
  /** TSC cycles, and nanoseconds of CLOCK_MONOTONIC. */
  now = 10_000_000_000n;
  /** Nanoseconds that pass behind every reading of a clock. */
  readCost = 0n;
  /** What the guest's clock reads minus what KVM's does (E1). */
  conversionNs = 0n;
  /** Whether KVM's copy of the timekeeper can be read with the TSC. */
  oneRead = true;
  /** Whether this vCPU has a clock of its own to go by. */
  hasVcpuClock = true;
  /** Every reading, in order. */
  readonly readings: string[] = [];
  readonly timers: FakeTimer[] = [];

  monotonicNs(): MonotonicNs {
    return this.#read("monotonic", this.now) as MonotonicNs;
  }
  tsc(): HostTsc {
    return this.#read("tsc", this.now) as HostTsc;
  }
  sample(): { monotonicNs: MonotonicNs; tsc: HostTsc } | undefined {
    if (!this.oneRead) return undefined;
    const now = this.#read("both", this.now);
    return { monotonicNs: now as MonotonicNs, tsc: now as HostTsc };
  }
  kvmclockNs(): KvmclockNs {
    return this.#read("kvmclock", this.guestNow - this.conversionNs) as KvmclockNs;
  }
  vcpuClock(source: string): VcpuGuestClock | undefined {
    this.readings.push(source);
    return this.hasVcpuClock ? { nsAt: (tsc) => (tsc - GUEST_BEHIND_NS) as KvmclockNs } : undefined;
  }

  /** The guest's own clock, without a reading. */
  get guestNow(): bigint {
    return this.now - GUEST_BEHIND_NS;
  }

  readonly createTimer = (onExpiry: OnExpiry): FakeTimer => {
    const timer = new FakeTimer(onExpiry);
    this.timers.push(timer);
    return timer;
  };

  /** Lets time pass until CLOCK_MONOTONIC reads `ns`, firing what is due in order. */
  runUntil(ns: bigint): void {
    for (;;) {
      const due = this.timers.filter((timer) => timer.armed && timer.expiresNs <= ns);
      const next = due.sort((a, b) => (a.expiresNs < b.expiresNs ? -1 : 1))[0];
      if (next === undefined) break;
      if (next.expiresNs > this.now) this.now = next.expiresNs;
      next.fire();
    }
    if (ns > this.now) this.now = ns;
  }

  #read(what: string, value: bigint): bigint {
    this.readings.push(what);
    this.now += this.readCost;
    return value;
  }
}
