/**
 * What is asked of a vCPU before it enters the guest again, in the order in which it is done there
 * (`KVM_REQ_MASTERCLOCK_UPDATE`, `KVM_REQ_GLOBAL_CLOCK_UPDATE`, `KVM_REQ_CLOCK_UPDATE`; docs/model/pvclock §5.4).
 */
export const KVMCLOCK_REQUESTS = ["masterclock-update", "global-clock-update", "clock-update"] as const;

/** One of {@link KVMCLOCK_REQUESTS}. */
export type KvmclockRequest = (typeof KVMCLOCK_REQUESTS)[number];

/** Where a request for a global update comes from: only those of a load are rate-limited (v7.1). */
export type GlobalUpdateSource = "msr-write" | "vcpu-load";
