import type { GuestMemory } from "@chronovisor/pvclock";
import type { XenGuestMemory } from "@chronovisor/xen-timer";

const PAGE_SIZE = 4096;

/** Guest-physical addresses of the two pages the guest shares with its host. */
export const SHARED_INFO_GPA = 0x1000n;
export const VCPU_INFO_GPA = 0x2000n;

/** The pages of a guest whose page tables map every address to itself. */
export class FlatMemory implements GuestMemory, XenGuestMemory {
  readonly #bytes: Uint8Array = new Uint8Array(3 * PAGE_SIZE);

  map(address: bigint, length: number): Uint8Array | undefined {
    const start = Number(address);
    if (start + length > this.#bytes.length) return undefined;
    return this.#bytes.subarray(start, start + length);
  }

  translate(virtual: bigint): bigint {
    return virtual;
  }

  read(physical: bigint, length: number): Uint8Array | undefined {
    return this.map(physical, length)?.slice();
  }

  /** `length` bytes that are there. */
  at(address: bigint, length: number): Uint8Array {
    const bytes = this.map(address, length);
    if (bytes === undefined)
      throw new RangeError(`FlatMemory.at: expected memory at 0x${address.toString(16)}`);
    return bytes;
  }
}
