import { checkInteger, checkU64 } from "../argument-checks.js";
import type { HostTsc } from "../time-types.js";
import type { HostTscHealth } from "./host-tsc-health.js";
import type { VmTsc } from "./vm-tsc.js";

/**
 * What KVM does when a host CPU comes online, after a suspend above all: if the counter of a stable TSC is behind what any
 * vCPU saw, every vCPU of every VM is given the difference, so that its guest goes on from where it stopped. The time of
 * the suspend is not added, and the VMs lose master clock for good.
 *
 * With an unstable TSC it only asks for a clock update of the vCPUs last loaded on that CPU.
 *
 * @param vms - every VM of the host.
 * @param health - the host's TSC.
 * @param cpu - the CPU that came online, 0 … 2^31−1.
 * @param localTsc - its counter now, u64.
 * @returns the cycles the counter fell back by; 0 when it did not, or is unstable.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/x86.c:kvm_arch_enable_virtualization_cpu`; docs/model/clocksource-tsc §6.6.
 * @example
 * resumeHost([], new HostTscHealth("tsc"), 0, hostTsc(100n)) // => 0n
 */
export function resumeHost(
  vms: readonly VmTsc[],
  health: HostTscHealth,
  cpu: number,
  localTsc: HostTsc,
): bigint {
  checkInteger("resumeHost", "cpu", cpu, 0, 2 ** 31 - 1);
  checkU64("resumeHost", "localTsc", localTsc);
  if (!health.stable) {
    for (const vm of vms) vm.requestClockUpdates(cpu);
    return 0n;
  }
  let latest: bigint = localTsc;
  for (const vm of vms) {
    for (const vcpu of vm.vcpus) if (vcpu.lastHostTsc > latest) latest = vcpu.lastHostTsc;
  }
  const lost = latest - localTsc;
  if (lost > 0n) for (const vm of vms) vm.noteBackwardsHost(lost, localTsc);
  return lost;
}
