/**
 * The local APIC's registers by their byte offset in the 4 KiB page, in the manual's order (SDM vol 3A table 11-1,
 * docs/model/lapic §1). Each is the low dword of a 16-byte slot.
 */

/** Local APIC ID. */
export const APIC_ID = 0x020;
/** Version, RO. */
export const APIC_LVR = 0x030;
/** Task priority. */
export const APIC_TASKPRI = 0x080;
/** Arbitration priority, RO: reads 0. */
export const APIC_ARBPRI = 0x090;
/** Processor priority, RO: computed on a read. */
export const APIC_PROCPRI = 0x0a0;
/** End of interrupt, WO. */
export const APIC_EOI = 0x0b0;
/** Remote read, which KVM does not have. */
export const APIC_RRR = 0x0c0;
/** Logical destination. */
export const APIC_LDR = 0x0d0;
/** Destination format. */
export const APIC_DFR = 0x0e0;
/** Spurious interrupt vector, with the software enable. */
export const APIC_SPIV = 0x0f0;
/** First of the eight in-service registers, RO. */
export const APIC_ISR = 0x100;
/** First of the eight trigger mode registers, RO. */
export const APIC_TMR = 0x180;
/** First of the eight interrupt request registers, RO. */
export const APIC_IRR = 0x200;
/** Error status. */
export const APIC_ESR = 0x280;
/** LVT of the corrected machine check interrupt; only where the VM has one. */
export const APIC_LVTCMCI = 0x2f0;
/** Interrupt command, bits 31:0; a write sends. */
export const APIC_ICR = 0x300;
/** Interrupt command, bits 63:32. */
export const APIC_ICR2 = 0x310;
/** LVT of the timer. */
export const APIC_LVTT = 0x320;
/** LVT of the thermal sensor. */
export const APIC_LVTTHMR = 0x330;
/** LVT of the performance counters. */
export const APIC_LVTPC = 0x340;
/** LVT of pin LINT0. */
export const APIC_LVT0 = 0x350;
/** LVT of pin LINT1. */
export const APIC_LVT1 = 0x360;
/** LVT of the error interrupt. */
export const APIC_LVTERR = 0x370;
/** Initial count of the timer. */
export const APIC_TMICT = 0x380;
/** Current count of the timer, RO. */
export const APIC_TMCCT = 0x390;
/** Divide configuration of the timer. */
export const APIC_TDCR = 0x3e0;
/** Self IPI, WO, in x2APIC mode only. */
export const APIC_SELF_IPI = 0x3f0;

/** Where an x2APIC's ICR keeps bits 63:32 on Intel: the dword after its low half (docs/model/lapic §12.7). */
export const X2APIC_ICR_HIGH = 0x304;

/** IA32_APIC_BASE. */
export const MSR_IA32_APICBASE = 0x1b;
/** IA32_TSC_DEADLINE. */
export const MSR_IA32_TSC_DEADLINE = 0x6e0;
/** First of the 256 x2APIC MSRs. */
export const X2APIC_MSR_FIRST = 0x800;
/** Last of the 256 x2APIC MSRs. */
export const X2APIC_MSR_LAST = 0x8ff;
