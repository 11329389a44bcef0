import type { ApicMode } from "../bus/apic-identity.js";
import { InterruptState } from "../priority/interrupt-state.js";
import { VectorSet } from "../priority/vector-set.js";
import { APIC_BASE_BSP, APIC_BASE_ENABLE, APIC_DEFAULT_PHYS_BASE, modeOf } from "../registers/apic-base.js";
import { APIC_DFR, APIC_ID, APIC_LDR, APIC_SPIV } from "../registers/offsets.js";
import { RegisterFile } from "../registers/register-file.js";
import { SVR_APIC_ENABLED } from "../registers/spurious-vector.js";
import type { LapicTimer } from "../timer/lapic-timer.js";
import { completeApicBehaviours, type LocalApicBehaviours } from "./behaviours.js";
import type { LocalApicEvents } from "./events.js";
import { completeApicConfig, type LocalApicConfig, type LocalApicOptions } from "./options.js";
import type { LocalApicVcpu } from "./vcpu.js";

/** Where INIT and SIPI stand (`mp_state`, docs/model/lapic §4). */
export type ApicRunState = "runnable" | "uninitialized" | "init-received";

/** Level of a LINT pin. */
export type PinLevel = "asserted" | "deasserted";

/**
 * The state of one local APIC, which the modules of this folder act on; each holds one concept of its rules. Registers
 * that only store are in `file`; IRR, ISR, TMR and TPR in `irq`; LVTT, TMICT and TDCR in `timer`.
 */
export class ApicCore {
  readonly id: number;
  readonly config: LocalApicConfig;
  readonly behaviours: LocalApicBehaviours;
  readonly vcpu: LocalApicVcpu;
  readonly events: Partial<LocalApicEvents>;
  readonly file: RegisterFile = new RegisterFile();
  readonly irq: InterruptState = new InterruptState();
  /** Posted and not yet in IRR (`pi_desc.pir`). */
  readonly posted: VectorSet = new VectorSet();
  readonly timer: LapicTimer;
  #base: bigint;
  #mode: ApicMode;
  runState: ApicRunState;
  pendingInit: "none" | "pending" = "none";
  /** Vector of a start-up message that waits, −1 for none. */
  pendingSipi = -1;
  /** s32, wraps (`apic_arb_prio`). */
  arbitrationPriority = 0;
  /** By pin. */
  readonly lint: [PinLevel, PinLevel] = ["deasserted", "deasserted"];
  /** Gathered under `errorStatus: "sdm"` since the last write of ESR. */
  errors = 0;
  /** Whether the page was ever moved while enabled, which inhibits APICv for good. */
  pageMoved: "never" | "once" = "never";
  /** The inhibits last reported. */
  toldInhibits = "";

  constructor(options: LocalApicOptions, createTimer: (core: ApicCore) => LapicTimer) {
    this.config = completeApicConfig(options);
    this.behaviours = completeApicBehaviours(options.behaviours ?? {});
    this.id = options.id;
    this.vcpu = options.vcpu ?? {};
    this.events = options.events ?? {};
    this.#base = resetBase(this.config);
    this.#mode = modeOf(this.#base);
    this.runState = resetRunState(this.config);
    this.timer = createTimer(this);
  }

  /** IA32_APIC_BASE. */
  get base(): bigint {
    return this.#base;
  }
  set base(value: bigint) {
    this.#base = value;
    // Every access asks for the mode: it is kept, and not computed from 64 bits each time.
    this.#mode = modeOf(value);
  }
  get mode(): ApicMode {
    return this.#mode;
  }
  get hwEnabled(): boolean {
    return this.#mode !== "disabled";
  }
  get swEnabled(): boolean {
    return (this.file.read(APIC_SPIV) & SVR_APIC_ENABLED) !== 0;
  }
  get xapicId(): number {
    return this.file.read(APIC_ID) >>> 24;
  }
  get ldr(): number {
    return this.file.read(APIC_LDR);
  }
  get dfr(): number {
    return this.file.read(APIC_DFR);
  }
  /** Whether hardware posts interrupts to this vCPU now. */
  get apicvActive(): boolean {
    return this.vcpu.apicvActive === true && !this.inhibitsApicv;
  }
  get idModified(): boolean {
    return this.mode === "xapic" && this.xapicId !== (this.id & 0xff);
  }
  get inhibitsApicv(): boolean {
    return this.pageMoved === "once" || this.idModified;
  }

  requestEvent(): void {
    this.vcpu.requestEvent?.();
  }
  kick(): void {
    this.vcpu.kick?.();
  }
  notifyPosted(): void {
    if (this.vcpu.notifyPosted === undefined) this.kick();
    else this.vcpu.notifyPosted();
  }
}

/** IA32_APIC_BASE after RESET. */
export function resetBase(config: LocalApicConfig): bigint {
  return APIC_DEFAULT_PHYS_BASE | APIC_BASE_ENABLE | (config.bootProcessor ? APIC_BASE_BSP : 0n);
}

/** Where a processor stands after RESET: all but the boot processor wait for INIT and SIPI. */
export function resetRunState(config: LocalApicConfig): ApicRunState {
  return config.bootProcessor ? "runnable" : "uninitialized";
}
