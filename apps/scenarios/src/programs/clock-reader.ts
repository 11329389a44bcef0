import type { GuestCpu, GuestProgram } from "../machine/guest/guest.js";
import type { GuestKvmclock } from "./kvmclock.js";
import { isBefore, tscAfter } from "./tsc-order.js";

export interface ClockReaderOptions {
  readonly kvmclock: GuestKvmclock;
  /** The vCPU that runs this. */
  readonly vcpu: number;
  /** Guest cycles between two readings, at least 1. */
  readonly everyCycles: bigint;
  /** Called with each reading, ns. */
  readonly onReading: (ns: bigint) => void;
}

/** A guest that reads its kvmclock again and again, and does nothing else. */
export function* clockReader(cpu: GuestCpu, options: ClockReaderOptions): GuestProgram {
  for (;;) {
    options.onReading(options.kvmclock.read(cpu, options.vcpu));
    const next = tscAfter(cpu.rdtsc(), options.everyCycles);
    while (isBefore(cpu.rdtsc(), next)) yield cpu.run(next);
  }
}
