/** Registers of time, by the names their manuals give them: Intel SDM, Linux `kvm_para.h`, the Hyper-V specification. */
const MSR_NAMES: ReadonlyMap<number, string> = new Map([
  [0x10, "IA32_TIME_STAMP_COUNTER"],
  [0x11, "MSR_KVM_WALL_CLOCK"],
  [0x12, "MSR_KVM_SYSTEM_TIME"],
  [0x3b, "IA32_TSC_ADJUST"],
  [0x6e0, "IA32_TSC_DEADLINE"],
  [0x808, "X2APIC_TPR"],
  [0x80b, "X2APIC_EOI"],
  [0x80f, "X2APIC_SIVR"],
  [0x830, "X2APIC_ICR"],
  [0x832, "X2APIC_LVT_TIMER"],
  [0x838, "X2APIC_INIT_COUNT"],
  [0x839, "X2APIC_CUR_COUNT"],
  [0x83e, "X2APIC_DIV_CONF"],
  [0x4000_0020, "HV_X64_MSR_TIME_REF_COUNT"],
  [0x4000_0021, "HV_X64_MSR_REFERENCE_TSC"],
  [0x4b56_4d00, "MSR_KVM_WALL_CLOCK_NEW"],
  [0x4b56_4d01, "MSR_KVM_SYSTEM_TIME_NEW"],
]);

/** The name of a register, or its number in hexadecimal. */
export function msrName(msr: number): string {
  return MSR_NAMES.get(msr) ?? `0x${msr.toString(16)}`;
}
