import { buildDocumentMachine } from "../../machine/document-machine.js";
import type { GuestCpu, GuestProgram } from "../../machine/guest/guest.js";
import type { Vcpu } from "../../machine/vcpu/vcpu.js";
import { GuestLog } from "../../programs/guest-log.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import { programNamed } from "../../programs/registry.js";
import { seededRandom } from "../../random/random.js";
import type { Measured, RunContext, Series } from "../../scenario/types.js";
import { evenInstants } from "../../scenarios/sampling.js";
import { act } from "./act.js";
import { inOrder } from "./check-machine.js";
import { layoutOf } from "./layout.js";
import type { MachineDocument, ObservationFields } from "./machine-document.js";
import { quantityRule } from "./quantities.js";
import { TickWatch } from "./tick-watch.js";
import { observationTitle } from "./titles.js";
import { UserSpace } from "./user-space.js";
import type { VcpuFields } from "./vm-fields.js";
import type { WatchedMachine } from "./watched-machine.js";

/** Points of each series: enough for a plot 80 columns wide at two dots a column, and for a page. */
const SERIES_POINTS = 240;

/** Something to do at an instant of true time; at one instant what has the lower rank comes first. */
interface Step {
  readonly ns: bigint;
  readonly rank: "looks" | "lets-go" | "acts";
  readonly run: () => void;
}

const RANKS: Readonly<Record<Step["rank"], number>> = { looks: 0, "lets-go": 1, acts: 2 };

/** Builds the machine of a document, lets its timeline happen, and measures what it observes. */
export function runMachine(document: MachineDocument, context: RunContext<unknown>): Measured {
  const machine = startMachine(document, context);
  const userSpace = new UserSpace(machine.vm.vcpus);
  const observations: Record<string, bigint | boolean> = {};
  const points: Record<string, [bigint, bigint][]> = {};
  const names = Object.entries(document.observe);
  const plotted = names.filter(
    ([, { quantity, at }]) => at === undefined && quantityRule(quantity).unit !== "flag",
  );
  const sample = (): void => {
    const ns = machine.host.trueNs(machine.host.engine.now);
    for (const [name, observation] of plotted) {
      const series = points[name] ?? [];
      points[name] = series;
      const value = look(machine, observation);
      // A host that slept skipped instants: they all come when it wakes.
      if (typeof value === "bigint" && series.at(-1)?.[0] !== ns) series.push([ns, value]);
    }
  };
  const steps: Step[] = [
    ...[0n, ...evenInstants(document.duration, SERIES_POINTS)].map(
      (ns): Step => ({ ns, rank: "looks", run: sample }),
    ),
    ...names.flatMap(([name, observation]): readonly Step[] => {
      if (observation.at === undefined) return [];
      const run = (): void => {
        observations[name] = look(machine, observation);
      };
      return [{ ns: observation.at, rank: "looks", run }];
    }),
    ...timelineSteps(document, machine, userSpace),
  ];
  runSteps(steps, machine, document.duration, context);
  for (const [name, observation] of names) {
    if (observation.at === undefined) observations[name] = look(machine, observation);
  }
  return { observations, series: seriesOf(document, points), tables: {} };
}

function startMachine(
  document: MachineDocument,
  { kernel, seed, hooks }: RunContext<unknown>,
): WatchedMachine {
  const random = seededRandom(seed);
  const layout = layoutOf(document);
  const machine = buildDocumentMachine({
    ...layout,
    axes: kernel.axes,
    catchUp: hooks.stepped === true ? "stepped" : "closed-form",
    random,
    openTrace: hooks.openTrace,
  });
  const { host, vm } = machine;
  const kvmclock = new GuestKvmclock(vm.memory);
  const readings = { latestNs: 0n };
  const fieldsOf = ({ id }: Vcpu): VcpuFields => {
    const found = document.vms[0]?.vcpus[id];
    if (found === undefined) throw new Error(`runMachine: expected a vCPU ${id}`);
    return found;
  };
  const vcpus = vm.vcpus.map((vcpu) => {
    const { program, options } = fieldsOf(vcpu);
    const { clocks } = vcpu;
    if (clocks === undefined) throw new Error("runMachine: expected a vCPU with clocks");
    return {
      vcpu,
      clocks,
      ticks: new TickWatch(host, vcpu),
      log: new GuestLog(readings),
      periodNs: programNamed(program).periodNs?.(options),
      tscHz: layout.vm.tsc * 1000n,
      startTsc: clocks.counter.readL1(host.engine.now),
    };
  });
  for (const { vcpu, log } of vcpus) {
    const { program, options } = fieldsOf(vcpu);
    const run = programNamed(program).start(
      { host, vcpu, kvmclock, tscKhz: Number(layout.vm.tsc), vcpus: vcpus.length, random, log },
      options,
    );
    vcpu.start(`${program} of vCPU ${vcpu.id}`, (cpu) => withKvmclock(cpu, kvmclock, vcpu.id, run));
  }
  return { ...machine, vcpus };
}

/** A guest that has its clock published before it does anything else, as Linux does. */
function* withKvmclock(
  cpu: GuestCpu,
  kvmclock: GuestKvmclock,
  vcpu: number,
  program: (cpu: GuestCpu) => GuestProgram,
): GuestProgram {
  kvmclock.enable(cpu, vcpu);
  yield* program(cpu);
}

function timelineSteps(
  { timeline }: MachineDocument,
  machine: WatchedMachine,
  userSpace: UserSpace,
): readonly Step[] {
  return inOrder(timeline).flatMap((i): readonly Step[] => {
    const action = timeline[i];
    if (action === undefined) return [];
    const acts: Step = { ns: action.at, rank: "acts", run: () => act(action, machine, userSpace) };
    if (action.do !== "pause") return [acts];
    return [acts, { ns: action.at + action.for, rank: "lets-go", run: () => userSpace.release(action.vcpu) }];
  });
}

/**
 * Runs the machine from step to step. Steps come between two runs of the engine, because a sleep moves its axis; those that
 * fell into a sleep come when the host wakes.
 */
function runSteps(
  steps: readonly Step[],
  { host, vcpus }: WatchedMachine,
  totalNs: bigint,
  { hooks }: RunContext<unknown>,
): void {
  const ordered = [...steps].sort((a, b) =>
    a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : RANKS[a.rank] - RANKS[b.rank],
  );
  for (const { ns, run } of ordered) {
    hooks.signal?.throwIfAborted();
    host.engine.runUntil(host.tscAt(ns));
    run();
    const ticks = vcpus.reduce((sum, { vcpu }) => sum + vcpu.counters.seen, 0);
    hooks.onProgress?.({ simulatedNs: ns, totalNs, ticks: BigInt(ticks) });
  }
}

function look(machine: WatchedMachine, { quantity, vcpu = 0 }: ObservationFields): bigint | boolean {
  const rule = quantityRule(quantity);
  if (rule.of === "machine") return rule.read(machine);
  const watched = machine.vcpus[vcpu];
  if (watched === undefined) throw new Error(`runMachine: expected a vCPU ${vcpu}`);
  return rule.read(watched, machine);
}

function seriesOf(
  document: MachineDocument,
  points: Readonly<Record<string, readonly [bigint, bigint][]>>,
): Readonly<Record<string, Series>> {
  return Object.fromEntries(
    Object.entries(points).flatMap(([name, series]) => {
      const observation = document.observe[name];
      if (observation === undefined) return [];
      const { unit } = quantityRule(observation.quantity);
      return [[name, { title: observationTitle(document, observation), unit, points: series }]];
    }),
  );
}
