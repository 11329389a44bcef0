import type { GuestTsc, HostTsc, VcpuTscView } from "@chronovisor/clocksource";
import { preemptionTimerExpiry } from "@chronovisor/lapic";
import type { TraceSink, VcpuState } from "@chronovisor/trace";
import { type EventSource, LivelockError } from "./engine.js";
import { GuestCpu, type GuestOp, type GuestPort, type GuestProgram } from "./guest.js";
import type { Host } from "./host.js";
import type { HostCpu } from "./host-cpu.js";
import { VcpuApic } from "./vcpu-apic.js";
import { VcpuCounters } from "./vcpu-counters.js";
import type { VcpuCosts, VcpuOptions } from "./vcpu-options.js";
import type { InterruptedGuest, VcpuThread } from "./vcpu-thread.js";

const HALTED_FOR_GOOD: GuestOp = { kind: "halt" };

/** Guest steps taken at one instant before its program is declared stuck. */
const STEPS_WITHOUT_TIME = 1_000_000;

/**
 * One vCPU: its thread's run loop, and the guest that runs in it.
 *
 * The loop is KVM's: enter the guest, handle the exit, inject what is pending, halt when the guest does
 * (docs/model/lapic §7.9). Costs are charged where hardware spends them; with all costs zero every figure is exact.
 */
export class Vcpu implements EventSource, GuestPort, VcpuThread, InterruptedGuest {
  readonly name: string;
  readonly id: number;
  readonly counters: VcpuCounters = new VcpuCounters();
  readonly apic: VcpuApic;
  readonly tsc: VcpuTscView;
  readonly #host: Host;
  readonly #costs: VcpuCosts;
  readonly #haltPoll: bigint;
  readonly #trace: TraceSink | undefined;
  readonly #unblockAlways: boolean;
  readonly #idleOnSoftware: boolean;
  #program: GuestProgram | undefined;
  #programName = "";
  #state: VcpuState = "host";
  #nextAt: HostTsc | undefined;
  /** When the preemption timer will force the guest out. */
  #exitAt: HostTsc | undefined;
  #op: GuestOp = { kind: "halt" };
  #opEndsAt: HostTsc | undefined;
  #workLeft = 0n;
  /** Taken by the guest but not yet acted on: it has executed no instruction since. */
  #delivered: number | undefined;
  /** The guest has an instruction to execute now. */
  #ready = false;
  #interruptsOn = false;
  #halted = false;
  /** Why it is out, if something keeps it out. */
  #out: "userspace" | "preempted" | undefined;
  #unblock = false;
  #kicked = false;
  #blockedAt: HostTsc = 0n as HostTsc;
  #hvBeforeBlock = false;
  /** The block that goes on was ended by {@link Vcpu.unhalt}. */
  #unhalted = false;
  /** Accesses since the last yield that made the guest exit. */
  #trapped = 0n;

  constructor(host: Host, cpu: HostCpu, options: VcpuOptions) {
    this.id = options.id;
    this.name = `vCPU ${options.id}`;
    this.tsc = options.tsc;
    this.#host = host;
    this.#costs = options.costs;
    this.#haltPoll = options.haltPoll;
    this.#trace = options.trace;
    this.#unblockAlways = options.behaviours.unblockToHv === "always";
    this.#idleOnSoftware = options.idleModel === "software";
    this.apic = new VcpuApic(host, cpu, this, options);
    if (cpu.guest !== undefined)
      throw new RangeError(`Vcpu: expected a CPU of its own, got ${cpu.name}, taken`);
    cpu.guest = this;
    cpu.onInterrupt = ({ cycles, passes }) => this.counters.interruptsWereOff(cycles, passes);
    host.engine.add(this);
  }

  get nextAt(): HostTsc | undefined {
    return this.#nextAt;
  }

  get state(): VcpuState {
    return this.#state;
  }

  get now(): HostTsc {
    return this.#host.engine.now;
  }

  get wantsToRun(): boolean {
    return this.#out !== "userspace";
  }

  /** Starts the guest: its program runs up to its first yield now. */
  start(name: string, program: (cpu: GuestCpu) => GuestProgram): void {
    this.#programName = name;
    this.#program = program(new GuestCpu(this, name));
    this.#become("guest");
    this.#ready = true;
    this.#execute();
  }

  run(): void {
    this.#nextAt = undefined;
    if (this.#state === "guest") this.#guestEvent();
    else if (this.#state === "blocked") this.#unblocked();
    else if (this.#state === "host") this.#enter();
    this.#execute();
  }

  // What the machine does to it.

  leaveForInterrupt(): boolean {
    if (this.#state !== "guest") return false;
    this.#leave("external-interrupt");
    return true;
  }

  continueAfterInterrupt(): void {
    this.#runLoop(this.#costs.entry);
    this.#execute();
  }

  /** The vCPU goes out to user space, or another thread takes its CPU; it stays out until {@link resume}. */
  stop(why: "userspace" | "preempted" = "userspace"): void {
    this.#out = why;
    if (this.#state === "guest") {
      this.#leave(why);
      this.#runLoop(this.#costs.entry);
    } else if (this.#state === "blocked" && why === "userspace") this.#unblocked();
  }

  resume(): void {
    const out = this.#out;
    this.#out = undefined;
    if (this.#state !== out) return;
    this.#runLoop(this.#costs.entry);
    this.#execute();
  }

  /** Ends a halt without an interrupt, as KVM's PV unhalt does: HLT returns. A guest that runs has nothing to end. */
  unhalt(): void {
    if (this.#halted) {
      this.#halted = false;
      this.#unhalted = true;
      this.wake();
    } else if (this.#idleOnSoftware) {
      this.apic.timer.switchToHv();
      this.kick();
    }
  }

  requestUnblock(): void {
    this.#unblock = true;
  }

  wake(): void {
    if (this.#state !== "blocked" || this.#nextAt !== undefined) return;
    this.#trace?.emit({ kind: "kick", at: this.now, vcpu: this.id });
    const slept = this.now - this.#blockedAt > this.#haltPoll;
    this.#nextAt = slept ? ((this.now + this.#costs.wake) as HostTsc) : this.now;
  }

  kick(): void {
    if (this.#state === "guest") {
      this.#trace?.emit({ kind: "kick", at: this.now, vcpu: this.id });
      this.#kicked = true;
      this.#nextAt = this.now;
    } else this.wake();
  }

  // What the guest does.

  wrmsr(msr: number, value: bigint): "ok" | "fault" {
    if (this.apic.exitsOnWrite(msr)) this.#trap("msr-write");
    this.#trace?.emit({ kind: "msr-write", at: this.now, vcpu: this.id, msr, value });
    return this.apic.wrmsr(msr, value);
  }

  rdmsr(msr: number): bigint | undefined {
    this.#trap("msr-read");
    return this.apic.rdmsr(msr);
  }

  rdtsc(): GuestTsc {
    return this.tsc.readL1(this.now);
  }

  note(text: string): void {
    this.#trace?.emit({ kind: "note", at: this.now, vcpu: this.id, text });
  }

  cyclesOf(ns: bigint): bigint {
    return this.#host.cycles(ns);
  }

  // The guest, between entry and exit.

  #guestEvent(): void {
    const now = this.now;
    if (this.#exitAt !== undefined && this.#exitAt <= now) {
      this.#leave("preemption-timer");
      this.apic.preemptionTimerExit();
      this.#runLoop(this.#costs.entry);
    } else if (this.#kicked) {
      this.#leave("kick");
      this.#runLoop(this.#costs.entry);
    } else this.#ready = true;
  }

  /** Runs the program from one yield to the next, as long as the guest has an instruction to execute now. */
  #execute(): void {
    for (let steps = 0; this.#ready && this.#program !== undefined; steps++) {
      if (steps > STEPS_WITHOUT_TIME) {
        throw new LivelockError(
          `guest program ${this.#programName}`,
          `yielded ${STEPS_WITHOUT_TIME} times without time passing, at host TSC ${this.now}`,
        );
      }
      const vector = this.#delivered;
      this.#delivered = undefined;
      this.#ready = false;
      const step = this.#program.next(vector);
      if (step.done === true) this.#end();
      else this.#begin(step.value);
    }
  }

  /** A program that returns has halted with interrupts off: nothing wakes it. */
  #end(): void {
    this.#program = undefined;
    this.#op = HALTED_FOR_GOOD;
    this.#interruptsOn = false;
    this.#halt();
  }

  #begin(op: GuestOp): void {
    this.#op = op;
    this.#workLeft = op.kind === "work" ? op.cycles : 0n;
    if (op.kind !== "work") this.#interruptsOn = true;
    const trapped = this.#trapped;
    if (trapped > 0n) {
      this.#trapped = 0n;
      this.#host.engine.spend(trapped * (this.#costs.exit + this.#costs.entry));
      this.apic.injectPending();
    }
    const takes = this.#interruptsOn && this.apic.deliverable() !== undefined;
    if (op.kind === "halt" && !takes) this.#halt();
    else if (trapped > 0n) this.#runLoop(0n);
    else if (takes && this.apic.virtualized) this.#acknowledge();
    else if (takes) {
      this.#leave("interrupt-window");
      this.#runLoop(this.#costs.entry);
    } else this.#resumeOp();
  }

  /** The guest takes the highest deliverable vector, if it takes interrupts at all. */
  #acknowledge(): void {
    if (!this.#interruptsOn || this.#delivered !== undefined) return;
    this.#delivered = this.apic.acknowledge();
    if (this.#delivered === undefined) return;
    this.#interruptsOn = false;
    this.#ready = true;
  }

  #halt(): void {
    this.#halted = true;
    this.#leave("hlt");
    this.#runLoop(this.#costs.entry);
  }

  /** Sets when the present operation is over, now that the guest runs again. */
  #resumeOp(): void {
    const op = this.#op;
    if (op.kind === "work") this.#opEndsAt = (this.now + this.#workLeft) as HostTsc;
    else if (op.kind === "run" && op.untilTsc !== undefined) {
      this.#opEndsAt = this.apic.firstHostTscAt(op.untilTsc);
    } else this.#opEndsAt = undefined;
    const ends = this.#opEndsAt;
    const exits = this.#exitAt;
    this.#nextAt = exits !== undefined && (ends === undefined || exits <= ends) ? exits : ends;
    if (this.#nextAt !== undefined && this.#nextAt < this.now) this.#nextAt = this.now;
  }

  #leave(reason: string): void {
    const now = this.now;
    if (this.#op.kind === "work" && this.#opEndsAt !== undefined) {
      this.#workLeft = this.#opEndsAt > now ? this.#opEndsAt - now : 0n;
    }
    this.#opEndsAt = undefined;
    this.#exitAt = undefined;
    this.#nextAt = undefined;
    this.#kicked = false;
    this.counters.exits += 1;
    this.#trace?.emit({ kind: "vm-exit", at: now, vcpu: this.id, reason });
    this.#become("host");
    this.#host.engine.spend(this.#costs.exit);
  }

  // The thread, out of the guest.

  /** One turn of the loop that follows every exit and every block; ends in an entry, a block or user space. */
  #runLoop(entryCost: bigint): void {
    this.#unblock = false;
    this.apic.injectPending();
    if (this.#out !== undefined) {
      this.#become(this.#out);
      return;
    }
    if (this.#halted) {
      if (!this.#interruptsOn || this.apic.deliverable() === undefined) {
        this.#block();
        return;
      }
      this.#halted = false;
    }
    this.#become("host");
    if (entryCost === 0n) this.#enter();
    else this.#nextAt = (this.now + entryCost) as HostTsc;
  }

  #enter(): void {
    // A request raised since the loop's turn aborts the entry: the expiry is seen before guest code runs.
    if (this.#unblock || this.#out !== undefined) {
      this.#runLoop(this.#costs.entry);
      return;
    }
    this.#acknowledge();
    const value = this.apic.loadPreemptionTimer();
    this.apic.waitBeforeEntry();
    const now = this.now;
    this.#become("guest");
    if (value === 0) {
      // The exit comes before the guest's first instruction, so an interrupt just taken waits for the next entry.
      this.#ready = false;
      this.#exitAt = (now + this.#costs.immediateExit) as HostTsc;
      this.#nextAt = this.#exitAt;
      return;
    }
    this.#exitAt =
      value === undefined ? undefined : preemptionTimerExpiry(now, value, this.apic.preemptionTimerShift);
    // HLT that ended without an interrupt returns to the guest with none.
    this.#ready = this.#delivered !== undefined || this.#op.kind === "halt";
    if (!this.#ready) this.#resumeOp();
  }

  #block(): void {
    this.#hvBeforeBlock = this.apic.timer.hvInUse;
    if (this.#hvBeforeBlock) this.apic.timer.switchToSw();
    this.#blockedAt = this.now;
    this.#become("blocked");
    const takes = this.#interruptsOn && this.apic.deliverable() !== undefined;
    const awake = this.#unblock || this.apic.timer.hasPending() || takes;
    // Interrupts are on again by now: a timer just armed in the past is taken before the thread goes on.
    if (awake) this.#nextAt = this.now;
  }

  #unblocked(): void {
    this.counters.haltEnded(this.now - this.#blockedAt);
    if (this.#returnsToHv()) this.apic.timer.switchToHv();
    this.#runLoop(this.#costs.entry);
  }

  #returnsToHv(): boolean {
    const unhalted = this.#unhalted;
    this.#unhalted = false;
    return this.#idleOnSoftware ? unhalted : this.#hvBeforeBlock || this.#unblockAlways;
  }

  #trap(reason: string): void {
    this.#trapped += 1n;
    this.counters.exits += 1;
    this.#trace?.emit({ kind: "vm-exit", at: this.now, vcpu: this.id, reason });
  }

  #become(state: VcpuState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#trace?.emit({ kind: "vcpu-state", at: this.now, vcpu: this.id, state });
  }
}
