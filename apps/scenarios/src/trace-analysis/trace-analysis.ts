import type { TraceTextOrderSummary, TraceTextRecord, TraceTextSummary } from "@chronovisor/trace";
import type { DeliveryEvent } from "./delivery-watch.js";
import type { TraceFindings } from "./findings.js";
import { guestTimerKind, HrtimerOwners } from "./hrtimer-owners.js";
import { MasterClockWatch } from "./master-clock-watch.js";
import { numberOf, textOf } from "./record-values.js";
import { VcpuDirectory, type VcpuName } from "./vcpu-directory.js";
import { VcpuWatch } from "./vcpu-watch.js";

const IA32_TSC = 0x10n;
const IA32_TSC_ADJUST = 0x3bn;
const MSR_KVM_SYSTEM_TIME = 0x12n;
const MSR_KVM_SYSTEM_TIME_NEW = 0x4b564d01n;
/** The vCPU whose choice of kvmclock's interface counts for its VM. */
const BOOT_VCPU = 0;
const X2APIC_LVTT = 0x832n;
/** Xen's `set_timer_op`. */
const XEN_SET_TIMER_OP = 15n;
/** A record's time, where it is ns and can be held against a timer's lateness. */
const timeNs = ({ time, resolution }: TraceTextRecord): bigint | undefined =>
  resolution === "cycles" ? undefined : time;

/** VMs told apart. */
const MAX_VMS = 1_024;
/** CPUs counted. */
const MAX_CPUS = 65_536;

interface Vcpu {
  readonly name: VcpuName;
  readonly watch: VcpuWatch;
}

/**
 * What a kernel log says about the clocks and timers of the VMs in it, from its records in order of time. Memory depends on the
 * number of vCPUs, timers and CPUs, not on the length of the log.
 */
export class TraceAnalysis {
  readonly #vcpus = new VcpuDirectory<Vcpu>((name) => ({ name, watch: new VcpuWatch() }));
  readonly #vms = new Map<number | undefined, MasterClockWatch>();
  readonly #owners = new HrtimerOwners();
  readonly #cpus = new Set<number>();
  #withoutCpu = 0;
  #unattributed = 0;
  #unit: "ns" | "cycles" = "ns";
  #resolutionNs: bigint | undefined;
  #first: bigint | undefined;
  #last: bigint | undefined;

  /** Takes the next record. */
  take(record: TraceTextRecord): void {
    this.#note(record);
    switch (record.event) {
      case "hrtimer_start":
        this.#hrtimerStarted(record);
        return;
      case "hrtimer_expire_entry":
        this.#hrtimerExpired(record);
        return;
      case "kvm_update_master_clock":
        this.#vm(record)?.updated(record);
        return;
    }
    if (!record.event.startsWith("kvm_")) return;
    const vcpu = this.#vcpus.of(record);
    if (vcpu !== undefined) this.#takeVcpu(record, vcpu);
  }

  /** What the records taken so far say. */
  findings(text: TraceTextSummary, order: TraceTextOrderSummary): TraceFindings {
    return {
      log: {
        text,
        order,
        unit: this.#unit,
        resolutionNs: this.#resolutionNs,
        first: this.#first,
        last: this.#last,
        cpus: this.#cpus.size,
        withoutCpu: this.#withoutCpu,
        unattributed: this.#unattributed,
      },
      vms: [...this.#vms].map(([tgid, watch]) => ({ tgid, masterClock: watch.findings() })),
      vcpus: this.#vcpus.all().map(([name, { watch }]) => watch.findings(name)),
    };
  }

  #note({ time, resolution, cpu }: TraceTextRecord): void {
    this.#unit = resolution === "cycles" ? "cycles" : "ns";
    this.#resolutionNs = resolution === "cycles" ? undefined : resolution === "us" ? 1_000n : 1n;
    if (this.#first === undefined || time < this.#first) this.#first = time;
    if (this.#last === undefined || time > this.#last) this.#last = time;
    if (cpu === undefined) this.#withoutCpu += 1;
    else if (this.#cpus.size < MAX_CPUS) this.#cpus.add(cpu);
  }

  #takeVcpu(record: TraceTextRecord, { name, watch }: Vcpu): void {
    switch (record.event) {
      case "kvm_entry":
        watch.place = "in-guest";
        return;
      case "kvm_exit":
        this.#exited(record, watch);
        return;
      case "kvm_inj_virq":
      case "kvm_apic_accept_irq":
      case "kvm_apicv_accept_irq":
        this.#delivered(record, record.event, watch);
        return;
      case "kvm_pvclock_update":
        this.#clockUpdated(record, watch);
        return;
      case "kvm_write_tsc_offset": {
        watch.clock.offsetWritten(record);
        const change = watch.offset.written(record, watch.place === "unknown" ? "new" : "has run");
        if (change === undefined) return;
        const { time, from, to } = change;
        this.#vm(record)?.suspect({ what: "offset-write", vcpu: name, time, cycles: to - from });
        return;
      }
      case "kvm_track_tsc":
        this.#vm(record)?.tracked(record);
        return;
      case "kvm_msr":
      case "kvm_apic":
        this.#registerAccessed(record, { name, watch });
        return;
      case "kvm_hv_timer_state":
        watch.backend.armed(numberOf(record, "hvTimerInUse") === 0n ? "sw" : "hv");
        return;
      case "kvm_wait_lapic_expire":
        watch.advance.waited(record.time, numberOf(record, "delta"));
        return;
      case "kvm_xen_hypercall":
        if (numberOf(record, "nr") === XEN_SET_TIMER_OP) watch.xen.asked(numberOf(record, "a0"));
    }
  }

  #clockUpdated(record: TraceTextRecord, watch: VcpuWatch): void {
    const { reference, jumpNs } = watch.clock.updated(record);
    if (reference === "new") watch.xen.clockSet();
    watch.offset.clockUpdated(jumpNs);
  }

  #exited(record: TraceTextRecord, watch: VcpuWatch): void {
    const reason = textOf(record, "reason");
    watch.place = "in-host";
    for (const { delivery } of watch.timers()) delivery.exited(reason);
    // The preemption timer expires by this exit, on the CPU that the guest runs on.
    if (reason === "PREEMPTION_TIMER") {
      const { delivery, expiry } = watch.timer("lapic");
      delivery.expired(record.time, record.cpu, "unknown");
      expiry.expiredElsewhere(timeNs(record));
    }
  }

  #delivered(record: TraceTextRecord, event: DeliveryEvent, watch: VcpuWatch): void {
    const vector = Number(numberOf(record, "vector"));
    for (const { delivery } of watch.timers()) delivery.delivered(event, record.time, record.cpu, vector);
  }

  #registerAccessed(record: TraceTextRecord, { name, watch }: Vcpu): void {
    if (textOf(record, "access") !== "write") return;
    const value = numberOf(record, "value");
    const msr = record.event === "kvm_msr" ? numberOf(record, "msr") : undefined;
    if (msr === X2APIC_LVTT || textOf(record, "register") === "APIC_LVTT") {
      watch.timer("lapic").delivery.vectorKnown(Number(BigInt.asUintN(8, value)));
    }
    if (msr === MSR_KVM_SYSTEM_TIME || msr === MSR_KVM_SYSTEM_TIME_NEW) {
      const kvmclock = msr === MSR_KVM_SYSTEM_TIME ? "old" : "new";
      if (name.id === BOOT_VCPU) this.#vm(record)?.kvmclockChosen(kvmclock);
    }
    if (msr === IA32_TSC || msr === IA32_TSC_ADJUST) {
      this.#vm(record)?.suspect({ what: "tsc-write", vcpu: name, time: record.time, cycles: value });
    }
  }

  #hrtimerStarted(record: TraceTextRecord): void {
    const kind = guestTimerKind(textOf(record, "function"));
    if (kind === undefined) return;
    const thread = this.#vcpus.ofThread(record)?.watch;
    const owner = this.#owners.started(numberOf(record, "hrtimer"), thread) ?? this.#vcpus.only()?.watch;
    if (owner === undefined) return;
    const expires = numberOf(record, "expires");
    owner.timer(kind).expiry.started(expires);
    if (kind === "xen") owner.xen.armed(expires);
  }

  #hrtimerExpired(record: TraceTextRecord): void {
    const kind = guestTimerKind(textOf(record, "function"));
    if (kind === undefined) return;
    const owner = this.#owners.expired(numberOf(record, "hrtimer")) ?? this.#vcpus.only()?.watch;
    if (owner === undefined) {
      this.#unattributed += 1;
      return;
    }
    const { delivery, expiry } = owner.timer(kind);
    expiry.expired(record.time, numberOf(record, "now"), timeNs(record));
    delivery.expired(record.time, record.cpu, owner.place);
  }

  /** The VM of a record's process; the log's one VM where it does not have processes. */
  #vm({ tgid }: TraceTextRecord): MasterClockWatch | undefined {
    const known = this.#vms.get(tgid);
    if (known !== undefined) return known;
    if (this.#vms.size >= MAX_VMS) return undefined;
    const vm = new MasterClockWatch();
    this.#vms.set(tgid, vm);
    return vm;
  }
}
