import { APIC_TMCCT } from "@chronovisor/lapic";
import { hexBytes } from "../hex-bytes.js";
import type { Row } from "../replay.js";
import { list, MalformedRow, num, object } from "../row-fields.js";
import type { LiveApic } from "./live-apic.js";

/** KVM_GET_LAPIC's registers: the first quarter of the page. */
const PAGE_BYTES = 1024;
const DWORD_BYTES = 4;

/** Where the eight words of ISR, TMR and IRR lie from the first. */
export const VECTOR_REGISTERS: readonly number[] = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70];

const VECTORS_PER_REGISTER = 32;

/** `[byte offset, u32]`, as the columns `changed` and `patch` spell it. */
export type PageDword = readonly [offset: number, value: number];

/** Column `page`. */
export function pageColumn(row: Row): Uint8Array {
  const page = hexBytes(row, "page");
  if (page.length !== PAGE_BYTES) throw new MalformedRow("page", `${PAGE_BYTES} bytes`, page.length);
  return page;
}

/** Columns that hold a list of dwords. */
export function dwordsColumn(row: Row, column: string): readonly PageDword[] {
  return list(row, column).map((dword) => {
    const pair = object({ [column]: { ...(dword as object) } }, column);
    return [num(pair, "0"), num(pair, "1")];
  });
}

export function pageDword(page: Uint8Array, offset: number): number {
  return new DataView(page.buffer, page.byteOffset).getUint32(offset, true);
}

/** A copy of `page` with some registers replaced. */
export function patchPage(page: Uint8Array, dwords: readonly PageDword[]): Uint8Array {
  const patched = page.slice();
  const view = new DataView(patched.buffer);
  for (const [offset, value] of dwords) view.setUint32(offset, value, true);
  return patched;
}

/** The registers of `page` that are not those of `base`. The current count is left out: it is compared by interval. */
export function changedDwords(base: Uint8Array, page: Uint8Array): readonly PageDword[] {
  const changed: PageDword[] = [];
  for (let offset = 0; offset < PAGE_BYTES; offset += DWORD_BYTES) {
    const value = pageDword(page, offset);
    if (offset !== APIC_TMCCT && value !== pageDword(base, offset)) changed.push([offset, value]);
  }
  return changed;
}

/** The word of ISR, TMR or IRR that holds `vector` alone. */
export function vectorDword(first: number, vector: number): PageDword {
  const offset = VECTOR_REGISTERS[Math.floor(vector / VECTORS_PER_REGISTER)];
  if (offset === undefined) throw new MalformedRow("prior_isr", "a vector", vector);
  return [first + offset, 2 ** (vector % VECTORS_PER_REGISTER)];
}

/** The current count a page was saved with. */
export const tmcctOf = (page: Uint8Array): bigint => BigInt(pageDword(page, APIC_TMCCT));

/** The current count in a page saved now. */
export const readCountOfPage = ({ apic }: LiveApic): bigint => tmcctOf(apic.toPage());
