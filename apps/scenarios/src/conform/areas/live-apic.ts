import {
  type HostClock,
  type HostTsc,
  hostTsc,
  type MonotonicNs,
  monotonicNs,
  VcpuTsc,
} from "@chronovisor/clocksource";
import type { CreateTimer } from "@chronovisor/hrtimer";
import {
  ApicBus,
  LocalApic,
  type LocalApicConfig,
  type LocalApicState,
  type LocalApicVcpu,
  MODE_MASK_NONE,
  MSR_IA32_APICBASE,
} from "@chronovisor/lapic";
import { RowTimer } from "./lapic-device.js";

/** SVR as the recorder writes it, with and without the enable bit. The latter masks every LVT, reset's LINT0 as well. */
export const SVR_ENABLED = 0x1ff;
export const SVR_DISABLED = 0x0ff;

/** How the recording machine was set up. */
export interface LiveApicSetup {
  readonly vcpuId?: number;
  readonly busCycleNs?: bigint;
  readonly tscKhz?: number;
  readonly config?: Partial<LocalApicConfig>;
  /** `unset`: CPUID was never set, so no mode bit of LVTT can be stored. */
  readonly cpuid?: "set" | "unset";
  readonly apicBase: bigint;
}

const DEFAULT_BUS_CYCLE_NS = 1n;
const DEFAULT_TSC_KHZ = 1_000_000;

/** The recording kernel has system management mode; nothing it was asked to do ran on the vCPU. */
const VCPU: LocalApicVcpu = { smi: () => {} };

/** Host time that moves when it is told to. Without a TSC of its own, its TSC stands still. */
class LiveClock implements HostClock {
  nowNs: MonotonicNs = monotonicNs(0n);
  nowTsc: HostTsc = hostTsc(0n);

  monotonicNs(): MonotonicNs {
    return this.nowNs;
  }
  tsc(): HostTsc {
    return this.nowTsc;
  }
  sample(): ReturnType<HostClock["sample"]> {
    return { monotonicNs: this.nowNs, tsc: this.nowTsc };
  }
}

/** One vCPU's APIC on a machine as the recorder's: hrtimers only, the guest's TSC is the host's, alone on its bus. */
export class LiveApic {
  readonly apic: LocalApic;
  readonly bus: ApicBus = new ApicBus();
  /** When a callback last moved a periodic count on, ns. */
  reloadedAt: bigint | undefined;
  readonly #setup: LiveApicSetup;
  readonly #clock = new LiveClock();
  readonly #timers: RowTimer[] = [];

  /** A fresh APIC, put into the mode `apicBase` says; with `state`, the APIC it was taken from. */
  constructor(setup: LiveApicSetup, state?: LocalApicState) {
    this.#setup = setup;
    const createTimer: CreateTimer = (onExpiry) => {
      const timer = new RowTimer(onExpiry);
      this.#timers.push(timer);
      return timer;
    };
    const options = {
      id: setup.vcpuId ?? 0,
      clock: this.#clock,
      createTimer,
      tsc: new VcpuTsc({ hostTscKhz: setup.tscKhz ?? DEFAULT_TSC_KHZ, vendor: "vmx", hasTscScaling: false }),
      timerConfig: { busCycleNs: this.busCycleNs },
      config: setup.config ?? {},
      vcpu: VCPU,
      bus: this.bus,
    };
    this.apic = state === undefined ? new LocalApic(options) : LocalApic.fromState(state, options);
    this.bus.connect(this.apic);
    if (state !== undefined) return;
    if (setup.cpuid === "unset") this.apic.timer.modeMask = MODE_MASK_NONE;
    this.apic.wrmsr(MSR_IA32_APICBASE, setup.apicBase, "host");
  }

  get busCycleNs(): bigint {
    return this.#setup.busCycleNs ?? DEFAULT_BUS_CYCLE_NS;
  }

  /** Another APIC in the same state at the same time. */
  clone(): LiveApic {
    const copy = new LiveApic(this.#setup, this.apic.state());
    copy.reloadedAt = this.reloadedAt;
    copy.#clock.nowNs = this.#clock.nowNs;
    copy.#clock.nowTsc = this.#clock.nowTsc;
    return copy;
  }

  /** Lets time pass to `nowNs`, and runs what is due by then at the instant it is due. Time does not go back. */
  advanceTo(nowNs: bigint, tsc: bigint = this.#clock.nowTsc): void {
    for (;;) {
      const due = this.#timers.find((timer) => timer.armed && timer.expiresNs <= nowNs);
      if (due === undefined) break;
      this.#moveTo(due.expiresNs);
      if (due.fire()) this.reloadedAt = this.#clock.nowNs;
    }
    this.#moveTo(nowNs);
    this.#clock.nowTsc = hostTsc(tsc);
  }

  #moveTo(ns: bigint): void {
    if (ns > this.#clock.nowNs) this.#clock.nowNs = monotonicNs(ns);
  }
}
