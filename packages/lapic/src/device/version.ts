import type { ApicCore } from "./core.js";

/*
 * The version register, which depends on the VM alone (`kvm_apic_set_version`, docs/model/lapic §1): bits 7:0 the
 * generation, 23:16 the number of LVT entries less one, 24 directed EOI.
 */

/** An integrated APIC. */
const VERSION = 0x14;
const DIRECTED_EOI: number = 1 << 24;
const LAST_LVT_SHIFT = 16;

/** Whether the guest is told that it may send the end of interrupt to the I/O APIC itself. */
export function announcesDirectedEoi(core: ApicCore): boolean {
  return core.config.x2apicSupported && core.config.ioapic === "split";
}

/** The version register. */
export function versionOf(core: ApicCore): number {
  const lvtEntries = core.config.cmciSupported ? 7 : 6;
  return VERSION | ((lvtEntries - 1) << LAST_LVT_SHIFT) | (announcesDirectedEoi(core) ? DIRECTED_EOI : 0);
}
