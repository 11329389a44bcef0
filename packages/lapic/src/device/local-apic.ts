import { checkInteger, checkOneOf, checkU64, checkVector } from "../arguments.js";
import { ApicBus } from "../bus/apic-bus.js";
import type { ApicBusNode } from "../bus/apic-bus-node.js";
import type { ApicIdentity, ApicMode } from "../bus/apic-identity.js";
import type { ApicInterrupt } from "../bus/apic-message.js";
import { checkPage, decodePage, encodePage } from "../page/register-page.js";
import { restorePage, savePage } from "../page/save-restore.js";
import type { TriggerMode } from "../priority/interrupt-state.js";
import { NO_VECTOR } from "../priority/vector-set.js";
import { APIC_WRITERS, type ApicWriter, pageAddressOf } from "../registers/apic-base.js";
import {
  APIC_PROCPRI,
  MSR_IA32_APICBASE,
  MSR_IA32_TSC_DEADLINE,
  X2APIC_MSR_FIRST,
  X2APIC_MSR_LAST,
} from "../registers/offsets.js";
import { TimerAdvance } from "../timer/advance.js";
import type { AdvanceWait } from "../timer/advance-wait.js";
import type { LapicTimer } from "../timer/lapic-timer.js";
import { LVT_VECTOR_MASK } from "../timer/registers.js";
import { accept, deliverLocal } from "./acceptance.js";
import type { LocalApicBehaviours } from "./behaviours.js";
import type { ApicCore, ApicRunState, PinLevel } from "./core.js";
import { createCore } from "./create-core.js";
import { InterruptCommand } from "./interrupt-command.js";
import { LOCAL_INTERRUPT_SOURCES, type LocalInterruptSource } from "./local-vectors.js";
import { readMsr, writeMsr } from "./msr-access.js";
import type { LocalApicConfig, LocalApicOptions } from "./options.js";
import { readPage, writePage } from "./page-access.js";
import { acceptsPic, type LintPin, setPin } from "./pins.js";
import { acknowledge, deliverable, syncPosted, writeTpr } from "./priority.js";
import { apicvInhibits, resetApic } from "./reset.js";
import { acceptEvents } from "./start-up.js";
import { checkApicState, type LocalApicState, loadApic, saveApic } from "./state.js";
import type { ApicvInhibit } from "./vcpu.js";

/** Bytes the page is accessed by in one go. */
const ACCESS_SIZES: readonly number[] = [1, 2, 4, 8];
const LEVELS: readonly PinLevel[] = ["asserted", "deasserted"];
const TRIGGERS: readonly TriggerMode[] = ["edge", "level"];
const PAGE_MAX = 0xfff;
const CR8_MAX = 15;
/** As CR8 in a report. */
const CR8 = 8;

/**
 * A local APIC as KVM emulates it: registers through the page and by MSR, priorities, acceptance, local vectors, the
 * interrupt command, start-up, and the timer (docs/model/lapic). Nothing a guest does throws: what hardware would ignore
 * is ignored, what faults answers so, and `events.onBadAccess` tells of both.
 *
 * @example
 * const host = { now: 0n, timer: undefined };
 * const clock = { monotonicNs: () => host.now, tsc: () => host.now, sample: () => ({ monotonicNs: host.now, tsc: host.now }) };
 * const createTimer = (onExpiry) => {
 *   host.timer = { armed: false, expiresNs: 0n, start(ns) { this.armed = true; this.expiresNs = ns; }, cancel() { const was = this.armed; this.armed = false; return was; }, fire() { onExpiry(this); } };
 *   return host.timer;
 * };
 * const apic = new LocalApic({ id: 0, clock, createTimer });
 * apic.write(APIC_SPIV, 0x1ffn, 4);
 * apic.write(APIC_TDCR, 0xbn, 4);
 * apic.write(APIC_LVTT, 0x200ecn, 4);
 * apic.write(APIC_TMICT, 1_000_000n, 4);
 * host.timer.expiresNs // => 1000000n
 * host.now = 400_000n;
 * apic.read(APIC_TMCCT, 4) // => 600000n
 * host.now = 1_000_000n;
 * host.timer.fire();
 * apic.injectPendingTimer() // => true
 * apic.acknowledge() // => 236
 */
export class LocalApic implements ApicBusNode, ApicIdentity {
  readonly #core: ApicCore;
  readonly #icr: InterruptCommand;

  /** @throws RangeError or TypeError for an option outside its domain. */
  constructor(options: LocalApicOptions) {
    this.#core = createCore(options);
    this.#icr = new InterruptCommand(this.#core, this, options.bus ?? busOf(this));
  }

  /** The vCPU's number. */
  get id(): number {
    return this.#core.id;
  }
  /** Complete: what the options left out has its default. */
  get config(): LocalApicConfig {
    return this.#core.config;
  }
  /** One value per axis. */
  get behaviours(): LocalApicBehaviours {
    return this.#core.behaviours;
  }
  /** What destinations are matched against. */
  get identity(): ApicIdentity {
    return this;
  }
  /** By IA32_APIC_BASE. */
  get mode(): ApicMode {
    return this.#core.mode;
  }
  /** IA32_APIC_BASE, u64. */
  get apicBase(): bigint {
    return this.#core.base;
  }
  /** Physical address of the page. */
  get pageAddress(): bigint {
    return pageAddressOf(this.#core.base);
  }
  /** IA32_APIC_BASE bit 11. */
  get hwEnabled(): boolean {
    return this.#core.hwEnabled;
  }
  /** Bits 31:24 of the ID register, 0 … 255; without meaning in x2APIC mode. */
  get xapicId(): number {
    return this.#core.xapicId;
  }
  /** Logical destination, u32. */
  get ldr(): number {
    return this.#core.ldr;
  }
  /** Destination format, u32. */
  get dfr(): number {
    return this.#core.dfr;
  }
  /** SVR bit 8. */
  get swEnabled(): boolean {
    return this.#core.swEnabled;
  }
  /** TPR, 0 … 255. */
  get tpr(): number {
    return this.#core.irq.tpr;
  }
  /** PPR as last computed; a guest's read computes it. */
  get ppr(): number {
    return this.#core.file.read(APIC_PROCPRI);
  }
  /** Lowest-priority interrupts that reached this APIC, s32, wraps. */
  get arbitrationPriority(): number {
    return this.#core.arbitrationPriority;
  }
  /** Where INIT and SIPI stand. */
  get runState(): ApicRunState {
    return this.#core.runState;
  }
  /** The timer, for a run loop: backends, advance, state. */
  get timer(): LapicTimer {
    return this.#core.timer;
  }
  /** What keeps hardware from delivering to this APIC by itself; KVM then inhibits APICv for the whole VM. */
  get apicvInhibits(): readonly ApicvInhibit[] {
    return apicvInhibits(this.#core);
  }

  /**
   * The guest reads the page, in xAPIC mode; otherwise, and where no register can be read, see `onBadAccess`.
   *
   * @param offset - of the first byte, 0 … 4095.
   * @param size - bytes: 1, 2, 4 or 8.
   * @returns the bytes, little-endian; 0 for an undefined read.
   * @throws RangeError or TypeError for an argument outside its domain.
   */
  read(offset: number, size: number): bigint {
    checkInteger("LocalApic.read", "offset", offset, 0, PAGE_MAX);
    checkOneOf("LocalApic.read", "size", size, ACCESS_SIZES);
    return readPage(this.#core, offset, size);
  }

  /**
   * The guest writes to the page, in xAPIC mode: an aligned dword or nothing.
   *
   * @param offset - of the first byte, 0 … 4095.
   * @param value - u64; its low `size` bytes are written.
   * @param size - bytes: 1, 2, 4 or 8.
   * @throws RangeError or TypeError for an argument outside its domain.
   */
  write(offset: number, value: bigint, size: number): void {
    checkInteger("LocalApic.write", "offset", offset, 0, PAGE_MAX);
    checkU64("LocalApic.write", "value", value);
    checkOneOf("LocalApic.write", "size", size, ACCESS_SIZES);
    writePage(this.#core, this.#icr, offset, BigInt.asUintN(8 * size, value), size);
  }

  /**
   * RDMSR.
   *
   * @param msr - 0x1b, 0x6e0 or 0x800 … 0x8ff.
   * @returns u64; undefined for #GP.
   * @throws RangeError or TypeError for an MSR that is not the APIC's.
   */
  rdmsr(msr: number): bigint | undefined {
    checkMsr("LocalApic.rdmsr", msr);
    return readMsr(this.#core, this.#icr, msr);
  }

  /**
   * WRMSR, or a write by KVM_SET_MSRS.
   *
   * @param msr - 0x1b, 0x6e0 or 0x800 … 0x8ff.
   * @param value - u64.
   * @param writer - matters to IA32_APIC_BASE: the host may change between any two modes.
   * @returns "fault" for #GP: nothing has changed.
   * @throws RangeError or TypeError for an argument outside its domain.
   */
  wrmsr(msr: number, value: bigint, writer: ApicWriter = "guest"): "ok" | "fault" {
    checkMsr("LocalApic.wrmsr", msr);
    checkU64("LocalApic.wrmsr", "value", value);
    // Every access of a guest comes by here: the list is searched for the others.
    if (writer !== "guest") checkOneOf("LocalApic.wrmsr", "writer", writer, APIC_WRITERS);
    return writeMsr(this.#core, this.#icr, msr, value, writer);
  }

  /** CR8, 0 … 15: the class of TPR, whatever the mode. */
  get cr8(): number {
    return this.#core.irq.cr8;
  }

  /**
   * Writes CR8: TPR becomes the class alone. Above 15 nothing changes, as with KVM_SET_SREGS; a guest's MOV of such a
   * value faults before it gets here.
   *
   * @param value - u32.
   * @throws RangeError or TypeError for anything else.
   */
  writeCr8(value: number): void {
    checkInteger("LocalApic.writeCr8", "value", value, 0, 0xffff_ffff);
    if (value <= CR8_MAX) {
      writeTpr(this.#core, value << 4);
      return;
    }
    this.#core.events.onBadAccess?.({
      kind: "write",
      through: "cr8",
      address: CR8,
      size: 8,
      value: BigInt(value),
      reason: "reserved-bits",
      outcome: "ignored",
    });
  }

  /** Whether the processor can take a vector now. */
  hasInterrupt(): boolean {
    return deliverable(this.#core) !== NO_VECTOR;
  }

  /** The processor takes the highest deliverable vector, from IRR to ISR; undefined when there is none. */
  acknowledge(): number | undefined {
    const vector = acknowledge(this.#core);
    return vector === NO_VECTOR ? undefined : vector;
  }

  /**
   * An interrupt reaches this APIC: a bus delivers by this.
   *
   * @param interrupt - see {@link ApicInterrupt}.
   * @throws RangeError or TypeError for a field outside its domain.
   */
  accept(interrupt: ApicInterrupt): "accepted" | "discarded" {
    checkVector("LocalApic.accept", interrupt.vector);
    checkInteger("LocalApic.accept", "deliveryMode", interrupt.deliveryMode, 0, 7);
    checkOneOf("LocalApic.accept", "level", interrupt.level, LEVELS);
    checkOneOf("LocalApic.accept", "trigger", interrupt.trigger, TRIGGERS);
    return accept(this.#core, interrupt);
  }

  /**
   * Raises a local interrupt through its LVT entry; the pins have {@link setLint} and the timer raises its own.
   *
   * @param source - a VM without LVT CMCI discards `cmci`.
   * @throws RangeError for another source.
   */
  raise(source: LocalInterruptSource): "accepted" | "discarded" {
    checkOneOf("LocalApic.raise", "source", source, LOCAL_INTERRUPT_SOURCES);
    return deliverLocal(this.#core, source);
  }

  /**
   * A LINT pin changes level; going up delivers through its LVT entry. In mode ExtINT nothing is delivered: the PIC's own
   * vector is taken while {@link acceptsPic} and the pin is up.
   *
   * @returns "unchanged" when there was no change, and at every fall.
   * @throws RangeError for another pin or level.
   */
  setLint(pin: LintPin, level: PinLevel): "accepted" | "discarded" | "unchanged" {
    checkOneOf("LocalApic.setLint", "pin", pin, [0, 1]);
    checkOneOf("LocalApic.setLint", "level", level, LEVELS);
    return setPin(this.#core, pin, level);
  }

  /** Whether LINT0 or the absence of an APIC lets the PIC's interrupts through. */
  get acceptsPic(): boolean {
    return acceptsPic(this.#core);
  }
  /** Whether the PIC has an interrupt and it is let through. */
  get hasPicInterrupt(): boolean {
    return this.#core.lint[0] === "asserted" && acceptsPic(this.#core);
  }

  /** Whether an expiry of the timer waits that can be injected. */
  hasPendingTimer(): boolean {
    return this.#core.timer.hasPending();
  }

  /** A pass of the run loop: injects an expiry that waits, if it can be; whether there was one. */
  injectPendingTimer(): boolean {
    if (!this.hasPendingTimer()) return false;
    this.#core.timer.injectPending();
    return true;
  }

  /** Just before the entry: how long to spin so that the timer's interrupt is not seen before its deadline. */
  waitBeforeEntry(): AdvanceWait {
    const { irq, timer, apicvActive } = this.#core;
    // With posted interrupts the vector is not in service yet, but requested.
    if (apicvActive) syncPosted(this.#core);
    const waiting = apicvActive ? irq.irr : irq.isr;
    return timer.waitBeforeEntry(waiting.has(timer.lvtt & LVT_VECTOR_MASK) ? "present" : "absent");
  }

  /** What hardware posted becomes requested, as at an entry. */
  syncPosted(): void {
    syncPosted(this.#core);
  }

  /** Whether an INIT or SIPI waits for {@link acceptEvents}. */
  get hasPendingEvents(): boolean {
    return this.#core.pendingInit === "pending" || this.#core.pendingSipi >= 0;
  }

  /** A pass of the run loop: INIT and SIPI that wait take effect, or the SIPI is lost while the vCPU blocks them. */
  acceptEvents(): void {
    acceptEvents(this.#core);
  }

  /**
   * RESET, or what INIT does to the APIC (docs/model/lapic §5).
   *
   * @throws RangeError for another kind.
   */
  reset(kind: "reset" | "init"): void {
    checkOneOf("LocalApic.reset", "kind", kind, ["reset", "init"]);
    resetApic(this.#core, kind);
  }

  /** The 1024 register bytes of KVM_GET_LAPIC. They do not hold the base, a deadline, or a pending expiry. */
  toPage(): Uint8Array {
    return encodePage(savePage(this.#core));
  }

  /**
   * KVM_SET_LAPIC: after CPUID and IA32_APIC_BASE, before IA32_TSC_DEADLINE. The count goes on from the saved one.
   *
   * @param page - 1024 bytes.
   * @returns "invalid" (EINVAL) for another APIC's ID in x2APIC mode with 32-bit IDs; SVR alone was taken over then.
   * @throws TypeError for anything but bytes, RangeError for another number of them.
   */
  fromPage(page: Uint8Array): "ok" | "invalid" {
    checkPage("LocalApic.fromPage", page);
    return restorePage(this.#core, decodePage(page));
  }

  /** A JSON-safe copy of everything; a preemption timer has its own. */
  state(): LocalApicState {
    return saveApic(this.#core);
  }

  /**
   * The APIC `state` was taken from, over new parts; its timer is started again if it was queued.
   *
   * @param options - those it was made with; `id` must be the state's.
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(state: LocalApicState, options: LocalApicOptions): LocalApic {
    checkApicState(state, options.id);
    const sharedAdvance = options.sharedAdvance ?? TimerAdvance.fromState(state.timer.advance);
    const apic = new LocalApic({ ...options, sharedAdvance });
    loadApic(apic.#core, state);
    return apic;
  }
}

/** The bus of an APIC that is alone. */
function busOf(apic: LocalApic): ApicBus {
  const bus = new ApicBus();
  bus.connect(apic);
  return bus;
}

function checkMsr(fn: string, msr: number): void {
  if (msr === MSR_IA32_APICBASE || msr === MSR_IA32_TSC_DEADLINE) return;
  checkInteger(fn, "msr", msr, X2APIC_MSR_FIRST, X2APIC_MSR_LAST);
}
