import { competeFor } from "../../machine/competing-load.js";
import { buildLapicMachine, type LapicMachine } from "../../machine/lapic-machine.js";
import type { TimerDelivery } from "../../machine/timer-observer.js";
import { oneShotTimer } from "../../programs/one-shot-timer.js";
import { periodicTimer } from "../../programs/periodic-timer.js";
import { seededRandom } from "../../random/random.js";
import { distributionOf } from "../../scenario/distribution.js";
import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { effectivePeriod, initialCount } from "../timer-period.js";
import { checkCpus, hostCpus, nextCpu } from "./host-cpus.js";
import type { PinnedTimerParams } from "./params.js";

/** Slices of simulated time between looks at progress and abort. */
const SLICE_NS = 1_000_000_000n;
/** A run that cannot deliver its timers ends: the residual tick bounds how late one can be. */
const PATIENCE = 4n;

/** The longest a run may take: every timer as late as its kernel can make it, and the pause after it. */
export function longestRunNs(p: PinnedTimerParams): bigint {
  return p.timers * (p.delta + PATIENCE * p.residual) + PATIENCE * p.residual;
}

/** What a run takes on average, for the progress line. */
export function expectedRunNs(p: PinnedTimerParams): bigint {
  if (p.mode === "periodic") return p.timers * effectivePeriod(p.delta);
  return p.timers * (p.delta + p.residual / 2n);
}

/** Builds the reproducer of the patch, expires its timers, and measures what docs/model/scenarios-lapic §S001 names. */
export function runPinnedTimer({ params, kernel, seed, hooks }: RunContext<PinnedTimerParams>): Measured {
  checkCpus(params);
  const random = seededRandom(seed);
  const machine = buildLapicMachine({
    ...params,
    hostHz: params.hostKhz * 1000n,
    guestKhz: params.hostKhz,
    monoRatePpb: 0n,
    busNs: 1n,
    cpus: hostCpus(params, random),
    vcpuCpu: Number(params.vcpuCpu),
    preemptionTimer: "absent",
    apicv: "on",
    posting: kernel.axes.timerPlacement === "posted" ? "on" : "off",
    immediateExitCost: 0n,
    callbackCost: 0n,
    minDelta: 0n,
    axes: kernel.axes,
    hooks,
    random,
  });
  const { host, vcpu } = machine;
  const { counters } = vcpu;
  const deliveries: TimerDelivery[] = [];
  vcpu.apic.observer.onDelivery = (delivery) => deliveries.push(delivery);
  scheduleDisturbances(machine, params, random);

  let ticks = 0;
  if (params.mode === "one-shot") {
    vcpu.start("one-shot timers", (cpu) =>
      oneShotTimer(cpu, {
        arms: Number(params.timers),
        count: initialCount(params.delta, 1n),
        // The exit that ends a late delivery must find the next timer at any phase of its grid.
        pauseCycles: () => host.cycles(random.between(0n, params.residual)),
        waits: params.guest,
        onTick: (tick) => {
          ticks = tick;
        },
      }),
    );
  } else {
    vcpu.start("periodic timer", (cpu) =>
      periodicTimer(cpu, {
        count: initialCount(params.delta, 1n),
        handlerNs: 0n,
        load: params.guest === "halts" ? "idle" : "running",
        first: "running",
        halfEnds: () => cpu.rdtsc(),
      }),
    );
  }

  const totalNs = expectedRunNs(params);
  const endNs = params.mode === "periodic" ? totalNs : longestRunNs(params);
  const finished = (): boolean => params.mode === "one-shot" && ticks >= Number(params.timers);
  for (let ns = 0n; ns < endNs && !finished(); ns += SLICE_NS) {
    hooks.signal?.throwIfAborted();
    const until = ns + SLICE_NS < endNs ? ns + SLICE_NS : endNs;
    host.engine.runUntilDone(finished, host.tscAt(until));
    const done = finished() ? totalNs : until;
    hooks.onProgress?.({
      simulatedNs: done < totalNs ? done : totalNs,
      totalNs,
      ticks: BigInt(counters.seen),
    });
  }

  const remote = deliveries.filter(({ expiredOn, injectedOn }) => expiredOn !== injectedOn);
  const elsewhere = deliveries.filter(({ expiredOn }) => expiredOn !== Number(params.vcpuCpu));
  const late = deliveries.map((delivery) => host.nanoseconds(delivery.late));
  const latency = distributionOf("from expiry to the guest taking it", "ns", late);
  const { quantiles } = latency;
  const timers = BigInt(counters.expirations);
  return {
    observations: {
      expirations: timers,
      seen: BigInt(counters.seen),
      coalesced: timers - BigInt(counters.irrSet),
      elsewhere: BigInt(elsewhere.length),
      remote: BigInt(remote.length),
      p50: quantiles?.p50,
      p90: quantiles?.p90,
      p99: quantiles?.p99,
      p999: quantiles?.p999,
      max: quantiles?.max,
      mean: quantiles?.mean,
      exits: BigInt(counters.exits),
      exitsPerThousand: perThousand(BigInt(counters.exits), BigInt(counters.seen)),
      interruptExits: BigInt(counters.exitsFor["external-interrupt"] ?? 0),
      kicks: BigInt(counters.exitsFor.kick ?? 0),
      inj: BigInt(counters.inj),
      irrSet: BigInt(counters.irrSet),
      restarts: BigInt(counters.restarts),
      length: host.trueNs(host.engine.now),
    },
    series: {},
    tables: { routes: routesOf(deliveries, machine) },
    distributions: { latency },
  };
}

function perThousand(exits: bigint, seen: bigint): bigint {
  return seen === 0n ? 0n : (exits * 1000n) / seen;
}

/** Moves, preemption, unplugging and the end of APICv, as the parameters ask for them. */
function scheduleDisturbances(
  { host, vcpu }: LapicMachine,
  params: PinnedTimerParams,
  random: ReturnType<typeof seededRandom>,
): void {
  const moveNext = (): void => vcpu.moveTo(host.cpu(nextCpu(params, vcpu.cpu.id)));
  const every = (ns: bigint, name: string, act: () => void): void => {
    const schedule = (at: bigint): void => {
      host.timeline.add({
        at: host.tscAt(at),
        name,
        act: () => {
          act();
          schedule(at + ns);
        },
      });
    };
    schedule(ns);
  };
  if (params.moveEvery > 0n) every(params.moveEvery, "the thread moves", moveNext);
  if (params.steal > 0n) {
    competeFor(host, vcpu, random, { everyNs: params.stealEvery, burstNs: params.steal });
  }
  if (params.unplugAt > 0n) {
    const act = (): void => host.unplug(vcpu.cpu.id, nextCpu(params, vcpu.cpu.id));
    host.timeline.add({ at: host.tscAt(params.unplugAt), name: "CPU unplugged", act });
  }
  if (params.inhibitAt > 0n) {
    const act = (): void => vcpu.apic.inhibitApicv();
    host.timeline.add({ at: host.tscAt(params.inhibitAt), name: "APICv inhibited", act });
  }
}

/** Deliveries by the CPU that ran the callback and the CPU that injected. */
function routesOf(deliveries: readonly TimerDelivery[], { host }: LapicMachine): Table {
  const routes = new Map<string, TimerDelivery[]>();
  for (const delivery of deliveries) {
    const key = `${delivery.expiredOn} ${delivery.injectedOn}`;
    const route = routes.get(key);
    if (route === undefined) routes.set(key, [delivery]);
    else route.push(delivery);
  }
  const rows = [...routes.values()].map((route) => {
    const late = route.map((delivery) => host.nanoseconds(delivery.late));
    const { quantiles } = distributionOf("", "ns", late);
    const { expiredOn = 0, injectedOn = 0 } = route[0] ?? {};
    return [
      BigInt(expiredOn),
      BigInt(injectedOn),
      BigInt(route.length),
      quantiles?.p50 ?? 0n,
      quantiles?.max ?? 0n,
    ];
  });
  rows.sort(([a = 0n, b = 0n], [c = 0n, d = 0n]) => Number(a - c) || Number(b - d));
  return {
    title: "Where timers expired and where they were injected",
    columns: [
      { name: "callback", unit: "count", title: "callback on CPU" },
      { name: "injection", unit: "count", title: "injected on CPU" },
      { name: "timers", unit: "count", title: "timers" },
      { name: "p50", unit: "ns", title: "p50" },
      { name: "max", unit: "ns", title: "max" },
    ],
    rows,
  };
}
