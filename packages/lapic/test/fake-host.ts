import {
  type GuestTsc,
  type HostClock,
  type HostTsc,
  type MonotonicNs,
  VcpuTsc,
  type VcpuTscView,
} from "@chronovisor/clocksource";
import type { OnExpiry, Timer } from "@chronovisor/hrtimer";
import {
  type AdvanceWait,
  type CreateRawTimer,
  InterruptState,
  LapicTimer,
  type LapicTimerBehaviours,
  type LapicTimerConfig,
  type LapicTimerEvents,
  type LapicTimerVcpu,
  PreemptionTimer,
} from "../src/index.js";

/** A host whose time moves only when a test moves it: TSC cycles, and CLOCK_MONOTONIC at a steady rate off them. */
export class FakeHost implements HostClock {
  now: bigint;
  readonly khz: bigint;
  readonly ppm: bigint;
  /** Cycles that pass with every reading of a clock. */
  readCost = 0n;
  readonly timers: FakeTimer[] = [];

  constructor(
    options: { readonly khz?: number; readonly ppm?: number; readonly uptimeSeconds?: number } = {},
  ) {
    this.khz = BigInt(options.khz ?? 2_500_000);
    this.ppm = BigInt(options.ppm ?? 0);
    this.now = BigInt(options.uptimeSeconds ?? 10) * 1000n * this.khz;
  }

  monotonicNs(): MonotonicNs {
    this.now += this.readCost;
    return this.mono;
  }
  tsc(): HostTsc {
    this.now += this.readCost;
    return this.now as HostTsc;
  }
  sample(): { monotonicNs: MonotonicNs; tsc: HostTsc } {
    return { monotonicNs: this.monotonicNs(), tsc: this.now as HostTsc };
  }

  /** CLOCK_MONOTONIC without a reading. */
  get mono(): MonotonicNs {
    return ((this.now * (1_000_000n + this.ppm)) / this.khz) as MonotonicNs;
  }
  /** Lets `ns` nanoseconds of real time pass, rounded down to cycles. */
  spend(ns: bigint): void {
    this.now += (ns * this.khz) / 1_000_000n;
  }
  /** Moves to the first cycle at which CLOCK_MONOTONIC reads `ns` or more. */
  moveTo(ns: bigint): void {
    const rate = 1_000_000n + this.ppm;
    this.now = (ns * this.khz + rate - 1n) / rate;
  }

  readonly createTimer = (onExpiry: OnExpiry): FakeTimer => {
    const timer = new FakeTimer(onExpiry);
    this.timers.push(timer);
    return timer;
  };
}

/** A timer that fires when told to. */
export class FakeTimer implements Timer {
  armed = false;
  expiresNs: MonotonicNs = 0n as MonotonicNs;
  mode = -1;
  starts = 0;
  readonly #onExpiry: OnExpiry;

  constructor(onExpiry: OnExpiry) {
    this.#onExpiry = onExpiry;
  }
  start(expiresNs: MonotonicNs, mode: number): void {
    this.armed = true;
    this.expiresNs = expiresNs;
    this.mode = mode;
    this.starts += 1;
  }
  cancel(): boolean {
    const was = this.armed;
    this.armed = false;
    return was;
  }
  /** Runs the callback; true when it asked to be queued again. */
  fire(): boolean {
    this.armed = false;
    const next = this.#onExpiry(this);
    if (next === undefined) return false;
    this.armed = true;
    this.expiresNs = next;
    return true;
  }
}

/** A vCPU that counts what is asked of it. */
export class FakeVcpu implements LapicTimerVcpu {
  hwEnabled = true;
  swEnabled = true;
  apicvActive = false;
  wantsToRun = true;
  inGuestMode = false;
  canPostTimerInterrupt = false;
  canUseHvTimer = true;
  readonly irq: InterruptState = new InterruptState();
  injections = 0;
  unblocks = 0;
  wakes = 0;
  kicks = 0;
  readonly spins: AdvanceWait[] = [];

  deliver(lvtt: number): boolean {
    this.injections += 1;
    if ((lvtt & 0x10000) !== 0 || !this.hwEnabled || !this.swEnabled) return false;
    this.irq.accept(lvtt & 0xff, "edge");
    return true;
  }
  requestUnblock(): void {
    this.unblocks += 1;
  }
  wake(): void {
    this.wakes += 1;
  }
  kick(): void {
    this.kicks += 1;
  }
  spin(wait: AdvanceWait): void {
    this.spins.push(wait);
  }
}

/** What a test varies. */
export interface FixtureOptions {
  readonly host?: FakeHost;
  readonly guestKhz?: number;
  /** Guest minus host TSC, unscaled; 0 by default. */
  readonly l1Offset?: bigint;
  /** Rate shift of the preemption timer; none when absent. */
  readonly rateShift?: number;
  readonly createRawTimer?: CreateRawTimer;
  readonly vendor?: "vmx" | "svm";
  readonly behaviours?: Partial<LapicTimerBehaviours>;
  readonly config?: Partial<LapicTimerConfig>;
  readonly events?: Partial<LapicTimerEvents>;
}

/** One vCPU's timer on a fake host. */
export interface Fixture {
  readonly host: FakeHost;
  readonly vcpu: FakeVcpu;
  readonly tsc: VcpuTscView;
  readonly hv: PreemptionTimer | undefined;
  readonly timer: LapicTimer;
  readonly hrtimer: FakeTimer;
  /** Guest TSC now. */
  readonly guest: () => GuestTsc;
}

/** Builds a timer on a fake host. */
export function fixture(options: FixtureOptions = {}): Fixture {
  const host = options.host ?? new FakeHost();
  const vcpu = new FakeVcpu();
  const hostKhz = Number(host.khz);
  const tsc = new VcpuTsc({
    hostTscKhz: hostKhz,
    userTscKhz: options.guestKhz ?? hostKhz,
    vendor: options.vendor ?? "vmx",
    l1Offset: options.l1Offset ?? 0n,
  });
  const hv =
    options.rateShift === undefined
      ? undefined
      : new PreemptionTimer({ clock: host, tsc, rateShift: options.rateShift });
  const timer = new LapicTimer({
    clock: host,
    tsc,
    createTimer: host.createTimer,
    vcpu,
    ...(hv === undefined ? {} : { preemptionTimer: hv }),
    ...(options.createRawTimer === undefined ? {} : { createRawTimer: options.createRawTimer }),
    ...(options.behaviours === undefined ? {} : { behaviours: options.behaviours }),
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.events === undefined ? {} : { events: options.events }),
  });
  const [hrtimer] = host.timers;
  if (hrtimer === undefined) throw new Error("no timer was created");
  return { host, vcpu, tsc, hv, timer, hrtimer, guest: () => tsc.readL1(host.now as HostTsc) };
}
