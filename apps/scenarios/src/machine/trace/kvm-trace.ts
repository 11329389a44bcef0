import type { VcpuTsc, VmTscEvents } from "@chronovisor/clocksource";
import type { MasterClockUpdate, VcpuKvmclock, VcpuTimeInfo } from "@chronovisor/pvclock";
import type { TracedClocksource } from "@chronovisor/trace";
import type { MachineTrace } from "./machine-trace.js";
import type { TracedVm } from "./traced-machine.js";

/** What KVM tells of a VM's clocks. */
export class KvmTrace {
  readonly #trace: MachineTrace;
  readonly #vm: TracedVm;

  constructor(trace: MachineTrace, vm: TracedVm) {
    this.#trace = trace;
    this.#vm = vm;
  }

  /** For the VM's counters. */
  readonly tscEvents: Pick<VmTscEvents, "onOffsetWritten" | "onRatioWritten" | "onTscTracked"> = {
    onOffsetWritten: (counter, from) => {
      const { now: at } = this.#trace;
      this.#trace.emit({ kind: "tsc-offset", at, vcpu: this.#idOf(counter), from, to: counter.l1Offset });
      this.#trace.clocks.moved();
    },
    onRatioWritten: () => this.#trace.clocks.moved(),
    onTscTracked: (counter) => {
      const { counters } = this.#vm;
      this.#trace.emit({
        kind: "tsc-matched",
        at: this.#trace.now,
        vcpu: this.#idOf(counter),
        masterClock: counters.useMasterClock ? "on" : "off",
        matched: counters.nrVcpusMatched,
        online: counters.vcpus.length,
        clocksource: this.#clocksource,
      });
    },
  };

  /** A new reference was taken, or the master clock was turned off. */
  masterClock({ useMasterClock }: MasterClockUpdate): void {
    const { counters } = this.#vm;
    this.#trace.emit({
      kind: "master-clock",
      at: this.#trace.now,
      masterClock: useMasterClock ? "on" : "off",
      clocksource: this.#clocksource,
      matched: counters.nrVcpusMatched + 1 === counters.vcpus.length ? "yes" : "no",
    });
  }

  /** A vCPU's clock was computed; it is published where the guest has an area for it. */
  clockUpdated({ id: vcpu }: VcpuKvmclock, info: VcpuTimeInfo): void {
    const { version, tscTimestamp, systemTime, tscToSystemMul, tscShift, flags } = info;
    if (version !== 0) {
      const fields = { version, tscTimestamp, systemTime, tscToSystemMul, tscShift, flags };
      this.#trace.emit({ kind: "pvclock-update", at: this.#trace.now, vcpu, ...fields });
    }
    this.#trace.clocks.moved();
  }

  get #clocksource(): TracedClocksource {
    return this.#vm.kvm.health.clocksourceIsTscBased ? "tsc" : "none";
  }

  /** KVM numbers vCPUs as they are created. */
  #idOf(counter: VcpuTsc): number {
    return this.#vm.counters.vcpus.indexOf(counter);
  }
}
