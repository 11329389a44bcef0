import type { GuestTsc, HostTsc, VcpuTscView } from "@chronovisor/clocksource";
import type { GuestPort } from "../guest/guest.js";
import type { Host } from "../host/host.js";
import type { MachineTrace } from "../trace/machine-trace.js";
import type { VcpuApic } from "./vcpu-apic.js";
import type { VcpuClocks } from "./vcpu-clocks.js";
import type { VcpuOptions } from "./vcpu-options.js";
import type { VcpuThread } from "./vcpu-thread.js";

/** What a guest program reaches of its vCPU. An access takes effect at once; the exits they cost are collected. */
export class VcpuPort implements GuestPort {
  readonly #host: Host;
  readonly #thread: VcpuThread;
  readonly #apic: VcpuApic;
  readonly #tsc: VcpuTscView;
  readonly #clocks: VcpuClocks | undefined;
  readonly #trace: MachineTrace | undefined;
  #trapped = 0;

  constructor(
    host: Host,
    thread: VcpuThread,
    apic: VcpuApic,
    { tsc, clocks }: Pick<VcpuOptions, "tsc" | "clocks">,
  ) {
    this.#host = host;
    this.#thread = thread;
    this.#apic = apic;
    this.#tsc = tsc;
    this.#clocks = clocks;
    this.#trace = host.trace;
  }

  get now(): HostTsc {
    return this.#host.engine.now;
  }

  wrmsr(msr: number, value: bigint): "ok" | "fault" {
    if (this.#apic.exitsOnWrite(msr)) this.trap("msr-write");
    this.#trace?.emit({ kind: "msr-write", at: this.now, vcpu: this.#thread.id, msr, value });
    const result = this.#clocks?.wrmsr(msr, value);
    // Its exit ends, and what it asked of the clock is done, before the guest's next instruction.
    if (result !== undefined) this.#clocks?.entering();
    return result ?? this.#apic.wrmsr(msr, value);
  }

  rdmsr(msr: number): bigint | undefined {
    this.trap("msr-read");
    const value = this.#clocks?.rdmsr(msr);
    if (value === "fault") return undefined;
    return value ?? this.#apic.rdmsr(msr);
  }

  rdtsc(): GuestTsc {
    return this.#tsc.readL1(this.now);
  }

  note(text: string): void {
    this.#trace?.emit({ kind: "note", at: this.now, vcpu: this.#thread.id, text });
  }

  cyclesOf(ns: bigint): bigint {
    return this.#host.cycles(ns);
  }

  /** An access that made the guest exit. */
  trap(reason: string): void {
    this.#trapped += 1;
    this.#clocks?.exited();
    this.#thread.counters.exited(reason);
    this.#trace?.exited(this.#thread.id, reason);
  }

  /** Exits since it was last asked: each costs its time before the guest's next instruction. */
  takeTrapped(): number {
    const trapped = this.#trapped;
    this.#trapped = 0;
    return trapped;
  }
}
