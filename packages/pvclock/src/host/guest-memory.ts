/**
 * The guest's physical memory, as far as the host keeps clocks there. Nothing throws: an area that is not mapped (its memory
 * slot was moved or deleted) makes an update be dropped.
 */
export interface GuestMemory {
  /**
   * The bytes behind a guest-physical range, not a copy: what is written to the array is what the guest reads. Undefined
   * unless the whole range is mapped. An area never crosses a page.
   */
  map(address: bigint, length: number): Uint8Array | undefined;
}
