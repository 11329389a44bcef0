/** What Xen emulation asks of the vCPU it belongs to. */
export interface XenVcpuPort {
  /** KVM_REQ_UNBLOCK: a halted or polling vCPU leaves its sleep. */
  requestUnblock(): void;
  /** Wakes a sleeping vCPU, or makes a running guest exit. */
  kick(): void;
  /** Sends a fixed interrupt to this vCPU's local APIC, physical destination. */
  injectVector(vector: number): void;
  /** `kvm_vcpu_on_spin`: lets another vCPU run. Absent: nothing happens. */
  yield?(): void;
}
