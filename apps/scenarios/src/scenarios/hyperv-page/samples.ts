import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { buildPageMachine, type Deed, newlyBooted } from "./guest.js";
import type { HypervPageParams } from "./params.js";

const UNIT_NS = 100n;
/** Times the guest's clocks are compared over its age. */
export const SAMPLES = 24n;

/** A guest's clocks at one instant, with its page in force since its start. */
export interface Sample {
  readonly ns: bigint;
  /** Page minus kvmclock, ns. */
  readonly ahead: bigint;
  /** What the counter would give without the page, minus the page, units of 100 ns. */
  readonly fallback: bigint;
}

/** What the page said, and how well it kept to kvmclock. */
export interface PageLife {
  readonly scale: bigint;
  readonly samples: readonly Sample[];
}

/** Compares a guest's clocks over its age. */
export function pageLife(
  params: HypervPageParams,
  axes: Readonly<Record<string, string>>,
  onStep: () => void,
  openTrace?: OpenTrace,
): PageLife {
  const machine = buildPageMachine(params, axes, newlyBooted(params), openTrace);
  const { host, vm, reference } = machine;
  const samples: Sample[] = [];
  const instants = Array.from({ length: Number(SAMPLES) }, (_, i) => (params.age * BigInt(i + 1)) / SAMPLES);
  const compares = (ns: bigint): Deed => ({
    at: machine.guestTscAt(ns),
    act: (cpu) => {
      const { time, clockNs } = machine.see(cpu);
      const fallback = vm.clock.getClock().clock / UNIT_NS - time;
      samples.push({ ns, ahead: time * UNIT_NS - clockNs, fallback });
    },
  });
  machine.start([
    { at: machine.guestTscAt(0n), act: (cpu) => reference.enable(cpu) },
    ...instants.map(compares),
  ]);
  for (const ns of instants) {
    host.engine.runUntil(host.tscAt(ns));
    onStep();
  }
  return { scale: reference.page().scale, samples };
}
