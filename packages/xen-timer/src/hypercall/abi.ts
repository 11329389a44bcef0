import { checkInteger, checkOneOf, checkU64 } from "../arguments.js";

/**
 * The hypercall convention (`xen.c:kvm_xen_hypercall`, Xen public headers; docs/model/xen-timer §2 and §3). The ABI of a call
 * follows the mode the vCPU is in, whatever layout the VM has latched.
 */

/** `set_timer_op(timeout)`. */
export const HYPERVISOR_SET_TIMER_OP = 15n;
/** `vcpu_op(command, vcpu id, argument)`. */
export const HYPERVISOR_VCPU_OP = 24n;
/** `sched_op(command, argument)`. */
export const HYPERVISOR_SCHED_OP = 29n;

/** vcpu_op: a timer every so many ns. User space's. */
export const VCPUOP_SET_PERIODIC_TIMER = 6;
/** vcpu_op: no such timer any more. User space's. */
export const VCPUOP_STOP_PERIODIC_TIMER = 7;
/** vcpu_op: one timer event at an absolute time. */
export const VCPUOP_SET_SINGLESHOT_TIMER = 8;
/** vcpu_op: no such event any more. */
export const VCPUOP_STOP_SINGLESHOT_TIMER = 9;

/** sched_op: lets another vCPU run. */
export const SCHEDOP_YIELD = 0;
/** sched_op: sleeps until an event of a list is pending. */
export const SCHEDOP_POLL = 3;

/** How a hypercall's registers are read. */
export type HypercallMode = "32-bit" | "64-bit";

/** Privilege level, 0 for a kernel. */
export type PrivilegeLevel = 0 | 1 | 2 | 3;

/** The registers a hypercall may use, u64. Outside 64-bit mode their high halves are ignored. */
export interface HypercallRegisters {
  readonly rax: bigint;
  readonly rbx: bigint;
  readonly rcx: bigint;
  readonly rdx: bigint;
  readonly rsi: bigint;
  readonly rdi: bigint;
  readonly rbp: bigint;
  readonly r8: bigint;
  readonly r9: bigint;
  readonly r10: bigint;
}

/** Six parameters. */
export type HypercallParams = readonly [bigint, bigint, bigint, bigint, bigint, bigint];

/** A hypercall out of its registers. */
export interface DecodedHypercall {
  /** Compared as 64 bits in 64-bit mode. */
  readonly number: bigint;
  readonly params: HypercallParams;
}

const REGISTERS_64 = ["rdi", "rsi", "rdx", "r10", "r8", "r9"] as const;
const REGISTERS_32 = ["rbx", "rcx", "rdx", "rsi", "rdi", "rbp"] as const;

/**
 * Reads a hypercall's number and parameters: RAX and RDI, RSI, RDX, R10, R8, R9, or EAX and EBX, ECX, EDX, ESI, EDI, EBP
 * zero-extended.
 *
 * @param registers - the registers, each a u64.
 * @param mode - the mode the vCPU is in.
 * @throws RangeError or TypeError for a register that is no u64 or an unknown mode.
 * @example
 * const zero = { rax: 0n, rbx: 0n, rcx: 0n, rdx: 0n, rsi: 0n, rdi: 0n, rbp: 0n, r8: 0n, r9: 0n, r10: 0n };
 * const registers = { ...zero, rax: 0xffffffff0000000fn, rdi: 64n, rbx: 32n };
 * decodeHypercall(registers, "32-bit") // => { number: 15n, params: [ 32n, 0n, 0n, 0n, 64n, 0n ] }
 * decodeHypercall(registers, "64-bit").number // => 18446744069414584335n
 */
export function decodeHypercall(registers: HypercallRegisters, mode: HypercallMode): DecodedHypercall {
  const fn = "decodeHypercall";
  checkOneOf(fn, "mode", mode, ["32-bit", "64-bit"]);
  for (const name of ["rax", ...REGISTERS_32, ...REGISTERS_64] as const) checkU64(fn, name, registers[name]);
  const bits = mode === "64-bit" ? 64 : 32;
  const names = mode === "64-bit" ? REGISTERS_64 : REGISTERS_32;
  const params = names.map((name) => BigInt.asUintN(bits, registers[name]));
  return {
    number: BigInt.asUintN(bits, registers.rax),
    params: params as unknown as HypercallParams,
  };
}

/**
 * The timeout of set_timer_op: one parameter, or two halves outside 64-bit mode.
 *
 * @param params - the call's parameters.
 * @param mode - the mode it was made in.
 * @returns guest clock ns, u64.
 * @throws RangeError or TypeError for a half that is no u64, or an unknown mode.
 * @example
 * setTimerTimeout([5n, 1n, 0n, 0n, 0n, 0n], "32-bit") // => 4294967301n
 */
export function setTimerTimeout(params: HypercallParams, mode: HypercallMode): bigint {
  checkOneOf("setTimerTimeout", "mode", mode, ["32-bit", "64-bit"]);
  checkU64("setTimerTimeout", "params[0]", params[0]);
  checkU64("setTimerTimeout", "params[1]", params[1]);
  // u64: the high half is shifted out of the way.
  return mode === "64-bit" ? params[0] : BigInt.asUintN(64, params[0] | (params[1] << 32n));
}

/**
 * A result as RAX holds it: 64-bit two's complement, in both modes.
 *
 * @param result - 0, or a negated error number.
 * @throws RangeError or TypeError for anything but a whole number.
 * @example
 * hypercallRax(-22) // => 18446744073709551594n
 */
export function hypercallRax(result: number): bigint {
  checkInteger("hypercallRax", "result", result, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return BigInt.asUintN(64, BigInt(result));
}

const PAGE_SIZE = 4096;
const SLOT_BYTES = 32;
const INT3 = 0xcc;

/**
 * The hypercall page KVM fills: 128 slots of 32 bytes, each `mov eax, number; vmcall; ret` (`vmmcall` on SVM) and int3.
 *
 * @param vendor - whose instruction.
 * @throws RangeError for another vendor.
 * Source: `xen.c:kvm_xen_write_hypercall_page`; docs/model/xen-timer §1.
 * @example
 * hypercallPage("vmx").slice(15 * 32, 15 * 32 + 10).join(" ") // => '184 15 0 0 0 15 1 193 195 204'
 */
export function hypercallPage(vendor: "vmx" | "svm"): Uint8Array {
  checkOneOf("hypercallPage", "vendor", vendor, ["vmx", "svm"]);
  const page = new Uint8Array(PAGE_SIZE).fill(INT3);
  for (let number = 0; number < PAGE_SIZE / SLOT_BYTES; number++) {
    const call = [0x0f, 0x01, vendor === "vmx" ? 0xc1 : 0xd9];
    page.set([0xb8, number, 0, 0, 0, ...call, 0xc3], number * SLOT_BYTES);
  }
  return page;
}
