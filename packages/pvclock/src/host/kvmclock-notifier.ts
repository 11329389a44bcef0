import type { KvmClockCopy } from "@chronovisor/clocksource";
import { checkArray, checkBoolean, checkObject } from "../argument-checks.js";
import type { VmKvmclock } from "./vm-kvmclock.js";

/** A {@link KvmclockNotifier} as plain JSON. */
export interface KvmclockNotifierState {
  readonly guestHasMasterClock: boolean;
}

/**
 * What KVM does at every update of its host's timekeeper: one per host, shared by its VMs. It looks only at whether the
 * clocksource is still TSC-based; guests hear of it only then, and only if one of them had a master clock since the last
 * time. NTP, steps and suspends change nothing in a guest.
 *
 * Coming back to the TSC is not an event: master clocks stay off until something else asks for an update.
 *
 * Source: `arch/x86/kvm/x86.c:pvclock_gtod_notify`, `pvclock_gtod_update_fn`; docs/model/pvclock §3.3, §3.4.
 *
 * @example
 * const notifier = new KvmclockNotifier();
 * const clock = { cycleLast: 0n, mask: 2n ** 64n - 1n, mult: 1, shift: 0, baseCycles: 0n, offset: 0n };
 * const hpet = { vclockMode: "none", ...clock } as const;
 * const copy = { mono: hpet, raw: hpet, offsBootNs: 0n, wallTimeSec: 0n };
 * notifier.timekeeperUpdated(copy) // => false
 * notifier.noteMasterClock();
 * notifier.timekeeperUpdated(copy) // => true
 */
export class KvmclockNotifier {
  #guestHasMasterClock = false;

  /** Whether some guest got a master clock since the last {@link run} (`kvm_guest_has_master_clock`). */
  get guestHasMasterClock(): boolean {
    return this.#guestHasMasterClock;
  }

  /** Some guest got a master clock; {@link VmKvmclock} calls it. */
  noteMasterClock(): void {
    this.#guestHasMasterClock = true;
  }

  /**
   * The host's timekeeper was updated.
   *
   * @param copy - KVM's copy after the update.
   * @returns whether {@link run} is to be called, from a work item: soon, not at once.
   * @throws TypeError unless `copy` is an object.
   */
  timekeeperUpdated(copy: KvmClockCopy): boolean {
    checkObject("KvmclockNotifier.timekeeperUpdated", "copy", copy);
    return copy.mono.vclockMode === "none" && this.#guestHasMasterClock;
  }

  /**
   * The work: every vCPU of every VM is asked to update its master clock, so N vCPUs make N updates.
   *
   * @param vms - every VM of the host.
   * @throws TypeError unless `vms` is an array.
   */
  run(vms: readonly VmKvmclock[]): void {
    checkArray("KvmclockNotifier.run", "vms", vms);
    for (const vm of vms) for (const vcpu of vm.vcpus) vcpu.request("masterclock-update");
    this.#guestHasMasterClock = false;
  }

  /** The whole state, as plain JSON. */
  state(): KvmclockNotifierState {
    return { guestHasMasterClock: this.#guestHasMasterClock };
  }

  /**
   * A notifier that goes on from a saved state.
   *
   * @param state - what {@link state} gave.
   * @returns a notifier equal to the saved one.
   * @throws TypeError for a state that is none.
   */
  static fromState(state: KvmclockNotifierState): KvmclockNotifier {
    checkObject("KvmclockNotifier.fromState", "state", state);
    checkBoolean("KvmclockNotifier.fromState", "guestHasMasterClock", state.guestHasMasterClock);
    const notifier = new KvmclockNotifier();
    notifier.#guestHasMasterClock = state.guestHasMasterClock;
    return notifier;
  }
}
