/** Names of VMX's exit reasons, as the kernel logs them. */
const VMX_NAMES: Readonly<Record<string, string>> = {
  hlt: "HLT",
  "msr-write": "MSR_WRITE",
  "msr-read": "MSR_READ",
  "interrupt-window": "INTERRUPT_WINDOW",
  "preemption-timer": "PREEMPTION_TIMER",
  vmlaunch: "VMLAUNCH",
  "external-interrupt": "EXTERNAL_INTERRUPT",
  // Whoever wants the thread out of the guest sends its CPU an interrupt.
  kick: "EXTERNAL_INTERRUPT",
  migration: "EXTERNAL_INTERRUPT",
  preempted: "EXTERNAL_INTERRUPT",
  userspace: "EXTERNAL_INTERRUPT",
};

/** The kernel's name for what a vCPU left the guest for. */
export function exitReasonName(reason: string): string {
  return VMX_NAMES[reason] ?? reason;
}
