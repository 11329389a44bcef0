import { competeFor } from "../../machine/host/competing-load.js";
import type { LapicMachine } from "../../machine/lapic-machine.js";
import type { Random } from "../../random/random.js";
import { nextCpu } from "./host-cpus.js";
import type { PinnedTimerParams } from "./params.js";

/** Puts on the timeline what the parameters ask for: moves, preemption, an unplugged CPU, the end of APICv. */
export function scheduleDisturbances(
  { host, vcpu }: LapicMachine,
  p: PinnedTimerParams,
  random: Random,
): void {
  const once = (ns: bigint, name: string, act: () => void): void => {
    if (ns > 0n) host.timeline.add({ at: host.tscAt(ns), name, act });
  };
  const moves = (at: bigint): void =>
    once(at, "the thread moves", () => {
      vcpu.moveTo(nextCpu(host, p, vcpu.cpu.id));
      moves(at + p.moveEvery);
    });
  moves(p.moveEvery);
  if (p.steal > 0n) competeFor(host, vcpu, random, { everyNs: p.stealEvery, burstNs: p.steal });
  once(p.unplugAt, "CPU unplugged", () => {
    const { id } = vcpu.cpu;
    host.unplug(id, nextCpu(host, p, id).id);
  });
  once(p.inhibitAt, "APICv inhibited", () => vcpu.apic.inhibitApicv());
}
