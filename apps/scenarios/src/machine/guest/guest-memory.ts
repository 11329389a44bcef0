import type { GuestMemory } from "@chronovisor/pvclock";
import type { XenGuestMemory } from "@chronovisor/xen-timer";

export const PAGE_SIZE = 4096;

/**
 * A guest's physical memory, from address 0, of a few pages that clocks are published in. Its page tables map every address
 * to itself.
 */
export class FlatMemory implements GuestMemory, XenGuestMemory {
  readonly #bytes: Uint8Array;

  /** @param pages - of 4096 bytes, at least 1. */
  constructor(pages: number) {
    this.#bytes = new Uint8Array(pages * PAGE_SIZE);
  }

  map(address: bigint, length: number): Uint8Array | undefined {
    if (address + BigInt(length) > BigInt(this.#bytes.length)) return undefined;
    const start = Number(address);
    return this.#bytes.subarray(start, start + length);
  }

  translate(virtual: bigint): bigint {
    return virtual;
  }

  read(physical: bigint, length: number): Uint8Array | undefined {
    return this.map(physical, length)?.slice();
  }

  /**
   * `length` bytes that are there.
   *
   * @throws RangeError for an address beyond the memory.
   */
  at(address: bigint, length: number): Uint8Array {
    const bytes = this.map(address, length);
    if (bytes === undefined) {
      throw new RangeError(`FlatMemory.at: expected memory at 0x${address.toString(16)}`);
    }
    return bytes;
  }
}
