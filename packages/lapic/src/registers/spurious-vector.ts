/** Bits of the spurious interrupt vector register (SDM vol 3A 11.9, docs/model/lapic §5). */

/** SVR bit 8: the APIC is enabled by software. */
export const SVR_APIC_ENABLED: number = 1 << 8;
/** SVR bit 12: the I/O APIC hears of an end of interrupt from the guest (directed EOI), not from the APIC. */
export const SVR_SUPPRESS_EOI_BROADCAST: number = 1 << 12;
