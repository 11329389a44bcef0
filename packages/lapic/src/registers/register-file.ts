/** Register bytes of the page: KVM_GET_LAPIC's. */
export const APIC_PAGE_SIZE = 1024;

const WORDS = APIC_PAGE_SIZE / 4;

/**
 * The registers that only store, as the dwords of the page (`struct kvm_lapic`, `regs`). IRR, ISR and TMR are the
 * interrupt state's and LVTT, TMICT and TDCR the timer's: their dwords here stay 0. Gaps between registers keep what
 * a restored page had there, as the kernel's memory does.
 */
export class RegisterFile {
  readonly #words: Uint32Array = new Uint32Array(WORDS);

  /** The dword at byte `offset`, a multiple of 4 below 1024. */
  read(offset: number): number {
    return this.#words[offset >>> 2] ?? 0;
  }

  /** Stores a dword; bits above 31 are dropped. */
  write(offset: number, value: number): void {
    this.#words[offset >>> 2] = value;
  }

  /** The 256 dwords, the first at offset 0. */
  words(): number[] {
    return Array.from(this.#words);
  }

  /** Replaces all 256 dwords. */
  load(words: readonly number[]): void {
    this.#words.set(words);
  }
}
