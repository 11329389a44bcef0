import { APIC_PAGE_SIZE } from "../registers/register-file.js";

/*
 * The page KVM_GET_LAPIC and KVM_SET_LAPIC exchange (`struct kvm_lapic_state`): 1024 register bytes, little-endian dwords
 * at the registers' offsets.
 */

/** The dwords of a page. */
export function decodePage(page: Uint8Array): number[] {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  return Array.from({ length: APIC_PAGE_SIZE / 4 }, (_, i) => view.getUint32(4 * i, true));
}

/** The page of 256 dwords. */
export function encodePage(words: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(APIC_PAGE_SIZE));
  words.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return new Uint8Array(view.buffer);
}

/** Throws unless `page` holds the register bytes. */
export function checkPage(fn: string, page: Uint8Array): void {
  if (!(page instanceof Uint8Array))
    throw new TypeError(`${fn}: expected page to be a Uint8Array, got ${typeof page}`);
  if (page.length !== APIC_PAGE_SIZE)
    throw new RangeError(`${fn}: expected ${APIC_PAGE_SIZE} bytes, got ${page.length}`);
}
