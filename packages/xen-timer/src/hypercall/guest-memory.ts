import type { XenTimerBehaviours } from "../behaviours.js";

const PAGE_SIZE = 4096n;

/** The guest's memory, through its page tables and past them. */
export interface XenGuestMemory {
  /** The guest-physical address `virtual` maps to, undefined where the guest has mapped nothing. */
  translate(virtual: bigint): bigint | undefined;
  /** `length` bytes from a guest-physical address on, across pages; undefined where there is no memory. */
  read(physical: bigint, length: number): Uint8Array | undefined;
}

/**
 * Copies a hypercall's argument from guest memory; undefined where the kernel answers −EFAULT.
 *
 * `virtual`: page by page through the guest's tables. `physical`, as 6.1: only the first byte's address is translated,
 * guest-physical 0 counts as unmapped, and what follows is read in physical order, whatever the guest mapped there.
 * Source: docs/model/xen-timer §3.2.
 */
export function copyFromGuest(
  memory: XenGuestMemory,
  address: bigint,
  length: number,
  rule: XenTimerBehaviours["xenArgumentCopy"],
): Uint8Array | undefined {
  if (rule === "physical") {
    const physical = memory.translate(address);
    return physical === undefined || physical === 0n ? undefined : memory.read(physical, length);
  }
  const copy = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    // u64: an argument at the end of the address space goes on at its start.
    const at = BigInt.asUintN(64, address + BigInt(done));
    const piece = Math.min(length - done, Number(PAGE_SIZE - (at % PAGE_SIZE)));
    const physical = memory.translate(at);
    const bytes = physical === undefined ? undefined : memory.read(physical, piece);
    if (bytes === undefined) return undefined;
    copy.set(bytes, done);
    done += piece;
  }
  return copy;
}
