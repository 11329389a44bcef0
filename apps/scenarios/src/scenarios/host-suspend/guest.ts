import type { GuestTsc } from "@chronovisor/clocksource";
import { type GuestCpu, type GuestProgram, LVTT_PERIODIC, X2APIC_TMICT } from "../../machine/guest/guest.js";
import { deadlineTimer } from "../../programs/deadline-timer.js";
import type { GuestKvmclock } from "../../programs/kvmclock.js";
import { setUpTimer } from "../../programs/local-apic.js";

/** A guest's vCPU that does nothing but run, its clock published. */
export function* spins(cpu: GuestCpu, kvmclock: GuestKvmclock, vcpu: number): GuestProgram {
  kvmclock.enable(cpu, vcpu);
  for (;;) yield cpu.run();
}

/** One that waits for a TSC deadline before. */
export function* waitsForDeadline(
  cpu: GuestCpu,
  kvmclock: GuestKvmclock,
  vcpu: number,
  deadline: {
    readonly armAt: GuestTsc;
    readonly waitCycles: bigint;
    /** How far the guest's TSC is past the deadline as it hears of it. */
    readonly onInterrupt: (errorCycles: bigint) => void;
  },
): GuestProgram {
  kvmclock.enable(cpu, vcpu);
  yield* deadlineTimer(cpu, { ...deadline, times: 1, waits: "spins" });
  for (;;) yield cpu.run();
}

/** One that takes `ticks` of a periodic timer before, and then stops it. */
export function* takesTicks(
  cpu: GuestCpu,
  kvmclock: GuestKvmclock,
  vcpu: number,
  timer: {
    readonly armAt: GuestTsc;
    readonly periodNs: bigint;
    readonly ticks: number;
    readonly onTick: () => void;
  },
): GuestProgram {
  kvmclock.enable(cpu, vcpu);
  setUpTimer(cpu, LVTT_PERIODIC);
  while (cpu.rdtsc() < timer.armAt) yield cpu.run(timer.armAt);
  cpu.wrmsr(X2APIC_TMICT, timer.periodNs);
  for (let taken = 0; taken < timer.ticks; ) {
    if ((yield cpu.run()) === undefined) continue;
    taken += 1;
    timer.onTick();
    cpu.eoi();
  }
  cpu.wrmsr(X2APIC_TMICT, 0n);
  for (;;) yield cpu.run();
}
