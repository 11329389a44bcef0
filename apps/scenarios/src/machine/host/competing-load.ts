import type { Random } from "../../random/random.js";
import type { Vcpu } from "../vcpu/vcpu.js";
import type { Host } from "./host.js";

/** Work of others that takes a vCPU's CPU from it now and then. */
export interface CompetingLoadOptions {
  /** From the end of one burst to the start of the next: half of it to one and a half, drawn anew each time. ns. */
  readonly everyNs: bigint;
  /** How long a burst keeps the CPU, ns. */
  readonly burstNs: bigint;
}

/**
 * Lets other work take the CPU of `vcpu` again and again: its thread is preempted for each burst and goes on afterwards,
 * on whichever CPU it is then.
 */
export function competeFor(host: Host, vcpu: Vcpu, random: Random, options: CompetingLoadOptions): void {
  const { everyNs, burstNs } = options;
  const preempt = (): void => {
    const { cpu } = vcpu;
    vcpu.stop("preempted");
    cpu.startHog();
    host.timeline.add({
      at: host.tscAt(host.trueNs(host.engine.now) + burstNs),
      name: "competing load ends",
      act: () => {
        cpu.stopHog();
        vcpu.resume();
        next();
      },
    });
  };
  const next = (): void => {
    const pause = everyNs / 2n + random.between(0n, everyNs);
    host.timeline.add({
      at: host.tscAt(host.trueNs(host.engine.now) + pause),
      name: "competing load",
      act: preempt,
    });
  };
  next();
}
