import {
  type GuestCpu,
  SVR_APIC_ENABLED,
  X2APIC_LVTT,
  X2APIC_SVR,
  X2APIC_TDCR,
} from "../machine/guest/guest.js";

/** LOCAL_TIMER_VECTOR of a Linux guest. */
const TIMER_VECTOR = 0xec;
/** The spurious vector, as firmware leaves it. */
const SPURIOUS_VECTOR = 0xff;
/** TDCR value for dividing by 1. */
const DIVIDE_BY_1 = 0xb;

/** Enables the APIC and sets its timer up, undivided, in the mode of these LVTT bits; nothing is armed yet. */
export function setUpTimer(cpu: GuestCpu, mode: number): void {
  cpu.wrmsr(X2APIC_SVR, SVR_APIC_ENABLED | SPURIOUS_VECTOR);
  cpu.wrmsr(X2APIC_TDCR, DIVIDE_BY_1);
  cpu.wrmsr(X2APIC_LVTT, mode | TIMER_VECTOR);
}
