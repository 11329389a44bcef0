import { checkInteger, checkOneOf, checkVector } from "../arguments.js";
import { NO_VECTOR, VectorSet } from "./vector-set.js";

/*
 * Priority arithmetic of the local APIC (SDM vol 3A 11.8, docs/model/lapic §3). A vector's class is its upper nibble.
 * PPR is the task priority, in full, when its class is at least that of the highest vector in service, else that
 * vector's class. Only the highest requested vector is looked at, and it must be above PPR by class: TPR 0x25 blocks
 * 0x2f and admits 0x30.
 */

/** Class of a vector or priority. */
const CLASS_MASK = 0xf0;
/** What TPR stores. */
const TPR_MASK = 0xff;

/** How an interrupt was signalled; kept in TMR. */
export type TriggerMode = "edge" | "level";

const TRIGGER_MODES: readonly TriggerMode[] = ["edge", "level"];

/** JSON form of an {@link InterruptState}: eight words per register, vector 0 in bit 0 of the first. */
export interface InterruptStateJson {
  readonly irr: readonly number[];
  readonly isr: readonly number[];
  readonly tmr: readonly number[];
  readonly tpr: number;
}

/**
 * Requested, in-service and trigger-mode registers of one local APIC with its task priority, and the rules that decide
 * which vector the processor takes (`__apic_update_ppr`, `apic_has_interrupt_for_ppr`, `kvm_apic_ack_interrupt`,
 * `apic_set_eoi`). Vectors 0 to 15 are accepted and never become deliverable, as in KVM.
 *
 * @example
 * const state = new InterruptState();
 * state.writeTpr(0x25);
 * state.accept(0x2f, "edge");
 * state.deliverable() // => -1
 * state.accept(0x30, "edge");
 * state.deliverable() // => 48
 * state.ack(0x30);
 * state.ppr // => 48
 */
export class InterruptState {
  /** Interrupt request register. */
  readonly irr: VectorSet = new VectorSet();
  /** In-service register. */
  readonly isr: VectorSet = new VectorSet();
  /** Trigger mode register: level-triggered vectors. */
  readonly tmr: VectorSet = new VectorSet();
  #tpr = 0;

  /** Task priority, 0 … 255. */
  get tpr(): number {
    return this.#tpr;
  }

  /** Processor priority, recomputed. */
  get ppr(): number {
    const inService = this.isr.highest;
    const serviceClass = inService === NO_VECTOR ? 0 : inService & CLASS_MASK;
    return (this.#tpr & CLASS_MASK) >= serviceClass ? this.#tpr : serviceClass;
  }

  /** CR8, 0 … 15: the class of TPR. */
  get cr8(): number {
    return (this.#tpr & CLASS_MASK) >>> 4;
  }

  /**
   * Writes TPR; bits above 7 are dropped.
   *
   * @param value - u32.
   * @returns true when PPR went down and an interrupt is now deliverable (KVM_REQ_EVENT).
   * @throws RangeError or TypeError for anything but a u32.
   */
  writeTpr(value: number): boolean {
    checkInteger("InterruptState.writeTpr", "value", value, 0, 0xffff_ffff);
    const before = this.ppr;
    this.#tpr = value & TPR_MASK;
    return this.ppr < before && this.deliverable() !== NO_VECTOR;
  }

  /**
   * Writes CR8: TPR becomes the class alone.
   *
   * @param value - 0 … 15.
   * @returns as {@link writeTpr}.
   * @throws RangeError or TypeError for a value outside 0 … 15.
   */
  writeCr8(value: number): boolean {
    checkInteger("InterruptState.writeCr8", "value", value, 0, 15);
    return this.writeTpr(value << 4);
  }

  /**
   * Requests a vector: TMR follows the trigger mode, the IRR bit is set.
   *
   * @param vector - 0 … 255.
   * @param trigger - edge or level.
   * @returns false when it was requested already: the two become one.
   * @throws RangeError or TypeError for a vector outside 0 … 255 or another trigger mode.
   */
  accept(vector: number, trigger: TriggerMode): boolean {
    checkVector("InterruptState.accept", vector);
    if (trigger === "level") this.tmr.add(vector);
    else if (trigger === "edge") this.tmr.delete(vector);
    else checkOneOf("InterruptState.accept", "trigger", trigger, TRIGGER_MODES);
    return this.irr.add(vector);
  }

  /** The vector the processor can take now, −1 for none: the highest requested, if its class is above PPR. */
  deliverable(): number {
    const vector = this.irr.highest;
    return vector !== NO_VECTOR && (vector & CLASS_MASK) > this.ppr ? vector : NO_VECTOR;
  }

  /**
   * The processor takes a vector: from IRR to ISR.
   *
   * @param vector - 0 … 255.
   * @throws RangeError when it is not requested, RangeError or TypeError outside 0 … 255.
   */
  ack(vector: number): void {
    checkVector("InterruptState.ack", vector);
    if (!this.irr.delete(vector))
      throw new RangeError(`InterruptState.ack: expected a requested vector, got ${vector}`);
    this.isr.add(vector);
  }

  /** End of interrupt: the highest vector in service leaves ISR and is returned; −1 when there is none. TMR stays. */
  eoi(): number {
    const vector = this.isr.highest;
    if (vector !== NO_VECTOR) this.isr.delete(vector);
    return vector;
  }

  /** RESET and INIT: all registers 0. */
  reset(): void {
    this.irr.clear();
    this.isr.clear();
    this.tmr.clear();
    this.#tpr = 0;
  }

  /** A JSON-safe copy. */
  state(): InterruptStateJson {
    return { irr: this.irr.words(), isr: this.isr.words(), tmr: this.tmr.words(), tpr: this.#tpr };
  }

  /** The registers `state` was taken from. */
  static fromState(state: InterruptStateJson): InterruptState {
    const restored = new InterruptState();
    restored.irr.load(state.irr);
    restored.isr.load(state.isr);
    restored.tmr.load(state.tmr);
    checkInteger("InterruptState.fromState", "tpr", state.tpr, 0, 255);
    restored.#tpr = state.tpr;
    return restored;
  }
}
