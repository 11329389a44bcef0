import { checkInteger, checkOneOf, checkU32 } from "../arguments.js";
import { InterruptState, type InterruptStateJson } from "../priority/interrupt-state.js";
import { APIC_PAGE_SIZE } from "../registers/register-file.js";
import type { LapicTimerState } from "../timer/state.js";
import type { ApicCore, ApicRunState, PinLevel } from "./core.js";
import { apicvInhibits } from "./reset.js";

/** JSON form of a local APIC: everything, unlike the page of KVM_GET_LAPIC. */
export interface LocalApicState {
  readonly id: number;
  /** IA32_APIC_BASE, u64. */
  readonly apicBase: string;
  /** The 256 dwords of the registers that only store. */
  readonly registers: readonly number[];
  readonly interrupts: InterruptStateJson;
  /** Posted vectors not yet in IRR, eight words. */
  readonly posted: readonly number[];
  readonly timer: LapicTimerState;
  readonly runState: ApicRunState;
  readonly pendingInit: "none" | "pending";
  /** Vector of a start-up message that waits, −1 for none. */
  readonly pendingSipi: number;
  readonly arbitrationPriority: number;
  readonly lint: readonly [PinLevel, PinLevel];
  readonly errors: number;
  readonly pageMoved: "never" | "once";
}

const LEVELS: readonly PinLevel[] = ["asserted", "deasserted"];

/** The JSON form of an APIC. */
export function saveApic(core: ApicCore): LocalApicState {
  return {
    id: core.id,
    apicBase: core.base.toString(),
    registers: core.file.words(),
    interrupts: core.irq.state(),
    posted: core.posted.words(),
    timer: core.timer.state(),
    runState: core.runState,
    pendingInit: core.pendingInit,
    pendingSipi: core.pendingSipi,
    arbitrationPriority: core.arbitrationPriority,
    lint: [core.lint[0], core.lint[1]],
    errors: core.errors,
    pageMoved: core.pageMoved,
  };
}

/** Throws unless `state` is an APIC's with this id; the parts check themselves. */
export function checkApicState(state: LocalApicState, id: number): void {
  const fn = "LocalApic.fromState";
  checkOneOf(fn, "id", state.id, [id]);
  const base = BigInt(state.apicBase);
  if (base < 0n || base >= 2n ** 64n)
    throw new RangeError(`${fn}: expected apicBase to be an unsigned 64-bit value, got ${base}`);
  if (state.registers.length !== APIC_PAGE_SIZE / 4)
    throw new RangeError(`${fn}: expected 256 registers, got ${state.registers.length}`);
  for (const word of state.registers) checkU32(fn, "register", word);
  checkOneOf(fn, "runState", state.runState, ["runnable", "uninitialized", "init-received"]);
  checkOneOf(fn, "pendingInit", state.pendingInit, ["none", "pending"]);
  checkInteger(fn, "pendingSipi", state.pendingSipi, -1, 255);
  checkInteger(fn, "arbitrationPriority", state.arbitrationPriority, -(2 ** 31), 2 ** 31 - 1);
  checkOneOf(fn, "lint[0]", state.lint[0], LEVELS);
  checkOneOf(fn, "lint[1]", state.lint[1], LEVELS);
  checkInteger(fn, "errors", state.errors, 0, 0xff);
  checkOneOf(fn, "pageMoved", state.pageMoved, ["never", "once"]);
}

/** Fills a new APIC. */
export function loadApic(core: ApicCore, state: LocalApicState): void {
  const { irr, isr, tmr, tpr } = InterruptState.fromState(state.interrupts).state();
  core.base = BigInt(state.apicBase);
  core.file.load(state.registers);
  core.timer.load(state.timer);
  core.irq.irr.load(irr);
  core.irq.isr.load(isr);
  core.irq.tmr.load(tmr);
  core.irq.writeTpr(tpr);
  core.posted.load(state.posted);
  core.runState = state.runState;
  core.pendingInit = state.pendingInit;
  core.pendingSipi = state.pendingSipi;
  core.arbitrationPriority = state.arbitrationPriority;
  [core.lint[0], core.lint[1]] = state.lint;
  core.errors = state.errors;
  core.pageMoved = state.pageMoved;
  core.toldInhibits = apicvInhibits(core).join();
}
