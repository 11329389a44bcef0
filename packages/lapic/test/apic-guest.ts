import { type HostTsc, VcpuTsc } from "@chronovisor/clocksource";
import {
  ApicBus,
  type LapicTimerEvents,
  LocalApic,
  type LocalApicOptions,
  PreemptionTimer,
} from "../src/index.js";
import { FakeHost } from "./fake-host.js";

const SVR = 0xf0;
const EOI = 0xb0;
const SVR_ENABLED = 0x1ff;

/** What a test varies. */
export interface ApicGuestOptions {
  readonly host?: FakeHost;
  readonly id?: number;
  readonly guestKhz?: number;
  /** Rate shift of the preemption timer; none when absent. */
  readonly rateShift?: number;
  readonly createTimer?: LocalApicOptions["createTimer"];
  readonly timerConfig?: LocalApicOptions["timerConfig"];
  readonly timerBehaviours?: LocalApicOptions["timerBehaviours"];
  readonly events?: Partial<LapicTimerEvents>;
  /** How long a handler takes from its acknowledge to its EOI; it ends at once by default. */
  readonly handlerNs?: bigint;
}

/** An interrupt the guest took, and when: CLOCK_MONOTONIC ns since the guest was made. */
export type Taken = readonly [vector: number, ns: bigint];

/**
 * A processor with a local APIC, all of whose work costs nothing: it takes what it can as soon as it can, and ends each
 * handler. Its registers are reached through the page.
 */
export class ApicGuest {
  readonly host: FakeHost;
  readonly tsc: VcpuTsc;
  readonly hv: PreemptionTimer | undefined;
  readonly apic: LocalApic;
  readonly taken: Taken[] = [];
  /** Times of expirations, whatever came of them. */
  readonly expired: bigint[] = [];
  /** KVM_REQ_UNBLOCK: each ends a halt once. */
  unblocks = 0;
  interrupts: "on" | "off" = "on";
  readonly #bornNs: bigint;
  readonly #handlerNs: bigint;
  #endsNs: bigint | undefined;

  /** Software-enabled. */
  constructor(options: ApicGuestOptions = {}) {
    this.host = options.host ?? new FakeHost();
    const hostTscKhz = Number(this.host.khz);
    this.tsc = new VcpuTsc({ hostTscKhz, userTscKhz: options.guestKhz ?? hostTscKhz, vendor: "vmx" });
    this.hv =
      options.rateShift === undefined
        ? undefined
        : new PreemptionTimer({ clock: this.host, tsc: this.tsc, rateShift: options.rateShift });
    this.#bornNs = this.host.mono;
    this.#handlerNs = options.handlerNs ?? 0n;
    const bus = new ApicBus();
    this.apic = new LocalApic({
      id: options.id ?? 0,
      clock: this.host,
      createTimer: options.createTimer ?? this.host.createTimer,
      tsc: this.tsc,
      ...(this.hv === undefined ? {} : { preemptionTimer: this.hv }),
      timerConfig: options.timerConfig ?? {},
      timerBehaviours: options.timerBehaviours ?? {},
      bus,
      vcpu: {
        requestUnblock: () => {
          this.unblocks += 1;
        },
      },
      events: {
        timer: {
          ...options.events,
          onExpire: () => void this.expired.push(this.nowNs),
        },
      },
    });
    bus.connect(this.apic);
    this.write(SVR, SVR_ENABLED);
  }

  /** CLOCK_MONOTONIC ns since the guest was made. */
  get nowNs(): bigint {
    return this.host.mono - this.#bornNs;
  }
  /** Guest TSC now. */
  get guestTsc(): bigint {
    return this.tsc.readL1(this.host.now as HostTsc);
  }

  read(offset: number): number {
    return Number(this.apic.read(offset, 4));
  }
  write(offset: number, value: number): void {
    this.apic.write(offset, BigInt(value), 4);
  }

  /** A pass of the run loop: what is pending is injected, and the guest takes what it can. */
  pass(): void {
    this.apic.injectPendingTimer();
    if (this.interrupts === "off") return;
    for (let vector = this.apic.acknowledge(); vector !== undefined; vector = this.apic.acknowledge()) {
      this.taken.push([vector, this.nowNs]);
      if (this.#handlerNs === 0n) this.write(EOI, 0);
      else this.#endsNs = this.host.mono + this.#handlerNs;
    }
  }

  /** The guest runs until `ns` from its start; what is due happens at its instant, and each is followed by a pass. */
  runUntil(ns: bigint): void {
    const until = this.#bornNs + ns;
    this.pass();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      next();
      this.pass();
    }
    if (until > this.host.mono) this.host.moveTo(until);
  }

  /** The vCPU does not run until `ns` from its start: nothing of it happens, and a timer exit waits. */
  descheduleUntil(ns: bigint): void {
    this.host.moveTo(this.#bornNs + ns);
  }

  /** The earliest that is due by `untilNs`, moved to and ready to run. */
  #next(untilNs: bigint): (() => void) | undefined {
    const events: { readonly ns: bigint; readonly run: () => void }[] = this.host.timers
      .filter(({ armed }) => armed)
      .map((timer) => ({ ns: timer.expiresNs, run: () => this.#at(timer.expiresNs, () => timer.fire()) }));
    const deadline = this.hv?.deadline;
    if (deadline !== undefined) {
      const ns = (deadline * 1_000_000n) / this.host.khz;
      events.push({ ns, run: () => this.#exit(deadline) });
    }
    const ends = this.#endsNs;
    if (ends !== undefined) events.push({ ns: ends, run: () => this.#at(ends, () => this.#end()) });
    const due = events.filter(({ ns }) => ns <= untilNs).sort((a, b) => Number(a.ns - b.ns));
    return due[0]?.run;
  }

  #at(ns: bigint, run: () => void): void {
    if (ns > this.host.mono) this.host.moveTo(ns);
    run();
  }

  #exit(deadline: bigint): void {
    if (deadline > this.host.now) this.host.now = deadline;
    this.apic.timer.expiredHvTimer();
  }

  #end(): void {
    this.#endsNs = undefined;
    this.write(EOI, 0);
  }
}
