import type { HostTsc, VcpuTscView } from "@chronovisor/clocksource";
import { preemptionTimerExpiry } from "@chronovisor/lapic";
import type { VcpuState } from "@chronovisor/trace";
import type { EventSource } from "../engine/engine.js";
import type { Lane } from "../engine/lane.js";
import { type GuestCpu, type GuestProgram, type StartUpCode, waits } from "../guest/guest.js";
import { GuestContext } from "../guest/guest-context.js";
import type { Host } from "../host/host.js";
import type { HostCpu, InterruptSection } from "../host/host-cpu.js";
import type { MachineTrace } from "../trace/machine-trace.js";
import type { NestedGuest } from "./nested-guest.js";
import { VcpuApic } from "./vcpu-apic.js";
import type { VcpuClocks } from "./vcpu-clocks.js";
import { VcpuCounters } from "./vcpu-counters.js";
import type { VcpuCosts, VcpuOptions } from "./vcpu-options.js";
import { VcpuPort } from "./vcpu-port.js";
import { earlier, VcpuSignals } from "./vcpu-signals.js";
import type { CpuGuest, VcpuThread } from "./vcpu-thread.js";
import { VcpuTimers } from "./vcpu-timers.js";

/**
 * One vCPU: its thread's run loop, and the guest that runs in it.
 *
 * The loop is KVM's: enter the guest, handle the exit, inject what is pending, halt when the guest does
 * (docs/model/lapic §7.9). Costs are charged where hardware spends them; with all costs zero every figure is exact.
 */
export class Vcpu implements EventSource, VcpuThread, CpuGuest {
  readonly name: string;
  readonly id: number;
  readonly counters: VcpuCounters = new VcpuCounters();
  readonly apic: VcpuApic;
  readonly timers: VcpuTimers;
  readonly tsc: VcpuTscView;
  /** Its TSC and kvmclock, where its VM keeps them. */
  readonly clocks: VcpuClocks | undefined;
  /** What a start-up message finds at `vector` · 4096; nothing by default. */
  startUpCode: ((vector: number) => StartUpCode | undefined) | undefined;
  readonly #host: Host;
  readonly #costs: VcpuCosts;
  readonly #haltPoll: bigint;
  readonly #trace: MachineTrace | undefined;
  readonly #guest = new GuestContext();
  readonly #port: VcpuPort;
  #state: VcpuState = "host";
  #nextAt: HostTsc | undefined;
  /** When the preemption timer will force the guest out. */
  #exitAt: HostTsc | undefined;
  #halted = false;
  /** Why it is out, if something keeps it out. */
  #out: "userspace" | "preempted" | undefined;
  #unblock = false;
  readonly #signals: VcpuSignals;
  #cpu: HostCpu;
  /** The CPU its state was last loaded on. */
  #loadedOn: HostCpu;
  #blockedAt: HostTsc = 0n as HostTsc;
  /** It waits to be woken; its thread, once awake, has still to leave the state `blocked`. */
  #asleep = false;

  constructor(host: Host, cpu: HostCpu, options: VcpuOptions) {
    this.id = options.id;
    this.name = `vCPU ${options.id}`;
    this.tsc = options.tsc;
    this.clocks = options.clocks;
    this.#host = host;
    this.#signals = new VcpuSignals(host);
    this.#costs = options.costs;
    this.#haltPoll = options.haltPoll;
    this.#trace = host.trace;
    this.#cpu = cpu;
    this.#loadedOn = cpu;
    cpu.admit(this);
    this.apic = new VcpuApic(host, this, options);
    this.timers = new VcpuTimers(host, this, this.apic, options);
    this.#port = new VcpuPort(host, this, this.apic, options);
    host.engine.add(this);
  }

  get nextAt(): HostTsc | undefined {
    return this.#nextAt;
  }

  get lane(): Lane {
    return this.#cpu.lane;
  }

  /** The CPU its thread is on. */
  get cpu(): HostCpu {
    return this.#cpu;
  }

  get state(): VcpuState {
    return this.#state;
  }

  get occupiesCpu(): boolean {
    return this.#state === "guest" || this.#state === "host";
  }

  get now(): HostTsc {
    return this.#host.engine.now;
  }

  get wantsToRun(): boolean {
    return this.#out !== "userspace";
  }

  /** Starts the guest: its program runs up to its first yield now. */
  start(name: string, program: (cpu: GuestCpu) => GuestProgram): void {
    this.#host.engine.on(this.lane, () => {
      this.#guest.start(name, this.#port, program);
      this.clocks?.load(this.#cpu.id);
      this.clocks?.entering();
      this.#become("guest");
      this.#execute();
    });
  }

  run(): void {
    this.#nextAt = undefined;
    if (this.#state === "guest") this.#guestEvent();
    else if (this.#state === "blocked") this.#unblocked();
    else if (this.#state === "host") this.#enter();
    this.#execute();
  }

  get #nested(): NestedGuest | undefined {
    return this.timers.existingNested;
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

  interruptsWereOff({ cycles, passes }: InterruptSection): void {
    this.counters.interruptsWereOff(cycles, passes);
  }

  /** The vCPU goes out to user space, or another thread takes its CPU; it stays out until {@link resume}. */
  stop(why: "userspace" | "preempted" = "userspace"): void {
    this.#host.engine.on(this.lane, () => {
      // One that user space holds stays there, whoever takes its CPU.
      if (this.#out !== "userspace") this.#out = why;
      if (this.#state === "guest") {
        this.#leave(why);
        this.#runLoop(this.#costs.entry);
      } else if (this.#state === "blocked" && why === "userspace") this.run();
    });
  }

  resume(): void {
    this.#host.engine.on(this.lane, () => {
      this.#out = undefined;
      if (this.#state !== "userspace" && this.#state !== "preempted") return;
      this.#runLoop(this.#costs.entry);
      this.#execute();
    });
  }

  /**
   * Its thread goes to another CPU. KVM notices when the thread next runs there, and takes the timer along at the entry
   * that follows (docs/model/hrtimer §8).
   *
   * @throws RangeError if that CPU is offline or runs another vCPU.
   */
  moveTo(cpu: HostCpu): void {
    const from = this.#cpu;
    if (cpu === from) return;
    cpu.admit(this);
    const running = this.#state === "guest";
    if (running) {
      this.#host.engine.on(from.lane, () => {
        this.#leave("migration");
        this.clocks?.put();
      });
    }
    from.dismiss();
    this.#cpu = cpu;
    if (!running) return;
    this.#host.engine.on(cpu.lane, () => {
      this.#runLoop(this.#costs.entry);
      this.#execute();
    });
  }

  /** Ends a halt without an interrupt, as KVM's PV unhalt does: HLT returns. A guest that runs has nothing to end. */
  unhalt(): void {
    this.#host.engine.on(this.lane, () => {
      if (this.#halted) {
        this.#halted = false;
        this.timers.unhalts();
        this.wake();
      } else if (this.timers.returnsToHv()) this.kick();
    });
  }

  get startUpBlocked(): boolean {
    return this.#nested !== undefined;
  }

  init(): void {
    this.#guest.reset();
    this.#halted = true;
  }

  startUp(vector: number): boolean {
    const code = this.startUpCode?.(vector);
    if (code === undefined) return false;
    this.#guest.start(code.name, this.#port, code.program);
    this.#halted = false;
    return true;
  }

  requestUnblock(): void {
    this.#unblock = true;
  }

  wake(): void {
    if (!this.#asleep || this.#nextAt !== undefined) return;
    this.#trace?.emit({ kind: "kick", at: this.now, vcpu: this.id });
    const slept = this.now - this.#blockedAt > this.#haltPoll;
    this.#nextAt = slept ? ((this.now + this.#costs.wake) as HostTsc) : this.now;
  }

  kick(): void {
    if (this.#state === "guest") this.forceExit();
    else this.wake();
  }

  /** A running guest exits; a thread that sleeps, or is out, sleeps on. */
  forceExit(): void {
    if (this.#state !== "guest") return;
    this.#trace?.emit({ kind: "kick", at: this.now, vcpu: this.id });
    this.#signals.kick(this.lane);
    this.#schedule();
  }

  notifyPosted(): void {
    this.#signals.notify(this.lane);
    this.#schedule();
  }

  // The guest, between entry and exit.

  #guestEvent(): void {
    const now = this.now;
    const { kickAt, notifyAt } = this.#signals;
    if (this.#exitAt !== undefined && this.#exitAt <= now) {
      this.#leave("preemption-timer");
      this.apic.preemptionTimerExit(this.#nested?.timer);
      this.#runLoop(this.#costs.entry);
    } else if (kickAt !== undefined && kickAt <= now) {
      this.#leave("kick");
      this.#runLoop(this.#costs.entry);
    } else if (notifyAt !== undefined && notifyAt <= now) {
      this.#signals.notifyAt = undefined;
      this.#acknowledge();
      if (!this.#guest.ready) this.#schedule();
    } else this.#guest.ready = true;
  }

  /** Runs the program from one yield to the next, as long as the guest has an instruction to execute now. */
  #execute(): void {
    while (this.#guest.runnable) {
      const op = this.#guest.step(this.now);
      if (op.kind === "l2") {
        this.#port.trap("vmlaunch");
        this.timers.nested.enter(op.ticks);
      }
      const trapped = this.#port.takeTrapped();
      if (trapped > 0) this.#serveTrapped(trapped);
      const takes = this.#takes();
      if (waits(op) && !takes) this.#halt();
      else if (trapped > 0) this.#runLoop(0n);
      else if (takes && this.apic.virtualized) this.#acknowledge();
      else if (takes) {
        this.#leave("interrupt-window");
        this.#runLoop(this.#costs.entry);
      } else this.#resumeOp();
    }
  }

  /** The accesses since the last yield were exits, each handled and entered again from. */
  #serveTrapped(trapped: number): void {
    for (let exit = 0; exit < trapped; exit++) this.#spendExit();
    this.#host.engine.spend(BigInt(trapped) * this.#costs.entry);
    this.apic.injectPending();
  }

  /** Whether the guest has interrupts on and one waits for it. */
  #takes(): boolean {
    return this.#guest.interruptsOn && this.apic.hasInterrupt();
  }

  /** The guest takes the highest deliverable vector, if it takes interrupts at all. */
  #acknowledge(): void {
    if (!this.#guest.takesInterrupts) return;
    const vector = this.apic.acknowledge();
    if (vector !== undefined) this.#guest.take(vector);
  }

  #halt(): void {
    this.#halted = true;
    this.#leave("hlt");
    this.#runLoop(this.#costs.entry);
  }

  #resumeOp(): void {
    this.#guest.resume(this.now, (guest) => this.apic.firstHostTscAt(guest));
    this.#schedule();
  }

  /** The running guest's next event is whatever comes first. */
  #schedule(): void {
    const next = earlier(earlier(this.#exitAt, this.#guest.endsAt), this.#signals.nextAt);
    this.#nextAt = next !== undefined && next < this.now ? this.now : next;
  }

  #leave(reason: string): void {
    this.#guest.leave(this.now);
    this.#nested?.left();
    this.#exitAt = undefined;
    this.#nextAt = undefined;
    this.#signals.clear();
    this.counters.exited(reason);
    this.#trace?.exited(this.id, reason);
    this.#become("host");
    this.clocks?.exited();
    this.#spendExit();
  }

  #spendExit(): void {
    const { exit, exitJitter } = this.#costs;
    this.#host.engine.spend(exitJitter === undefined ? exit : exit + exitJitter());
  }

  // The thread, out of the guest.

  /** One turn of the loop that follows every exit and every block; ends in an entry, a block or user space. */
  #runLoop(entryCost: bigint): void {
    this.#load();
    this.#unblock = false;
    this.apic.injectPending();
    if (this.#out !== undefined) {
      this.#become(this.#out);
      return;
    }
    this.apic.acceptEvents();
    if (this.#halted) {
      if (!this.#takes() && this.#nested?.expired !== true) {
        this.#block();
        return;
      }
      this.#halted = false;
    }
    this.#become("host");
    if (entryCost === 0n) this.#enter();
    else this.#nextAt = (this.now + entryCost) as HostTsc;
  }

  /** The thread runs: on another CPU than before, its state is loaded there (`kvm_arch_vcpu_load`). */
  #load(): void {
    if (this.clocks !== undefined) {
      this.clocks.load(this.#cpu.id);
      return;
    }
    if (this.#loadedOn === this.#cpu) return;
    this.#loadedOn = this.#cpu;
    this.timers.requestMigration();
    this.timers.restart();
  }

  #enter(): void {
    this.#load();
    this.timers.entering();
    this.clocks?.entering();
    // A request raised since the loop's turn aborts the entry: the expiry is seen before guest code runs.
    if (this.#unblock || this.#out !== undefined || this.apic.hasPendingEvents) {
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
      this.#guest.ready = false;
      this.#exitAt = (now + this.#costs.immediateExit) as HostTsc;
      this.#nextAt = this.#exitAt;
      return;
    }
    this.#exitAt =
      value === undefined ? undefined : preemptionTimerExpiry(now, value, this.apic.preemptionTimerShift);
    // HLT that ended without an interrupt returns to the guest with none.
    const returned = this.#guest.op.kind === "halt" || this.#nested?.exitIfExpired() === true;
    this.#guest.ready = this.#guest.hasDelivered || returned;
    if (!this.#guest.ready) this.#resumeOp();
  }

  #block(): void {
    this.timers.blocks();
    this.#blockedAt = this.now;
    this.#asleep = true;
    this.#become("blocked");
    const awake =
      this.#unblock || this.apic.timer.hasPending() || this.#takes() || this.#nested?.expired === true;
    // Interrupts are on again by now: a timer just armed in the past is taken before the thread goes on.
    if (awake) this.#nextAt = this.now;
  }

  #unblocked(): void {
    this.#load();
    this.#asleep = false;
    this.counters.haltEnded(this.now - this.#blockedAt);
    this.timers.unblocked();
    this.#runLoop(this.#costs.entry);
  }

  #become(state: VcpuState): void {
    if (this.#state === state) return;
    this.#state = state;
    if (state !== "guest" && state !== "host") this.clocks?.put();
    this.#cpu.occupancyChanged();
    this.#trace?.emit({ kind: "vcpu-state", at: this.now, vcpu: this.id, state });
  }
}
