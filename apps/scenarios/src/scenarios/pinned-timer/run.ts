import { buildLapicMachine, type LapicMachine } from "../../machine/lapic-machine.js";
import { oneShotTimer } from "../../programs/one-shot-timer.js";
import { periodicTimer } from "../../programs/periodic-timer.js";
import { type Random, seededRandom } from "../../random/random.js";
import type { Measured, RunContext } from "../../scenario/types.js";
import { effectivePeriod, initialCount } from "../timer-period.js";
import { checkParams } from "./check-params.js";
import { scheduleDisturbances } from "./disturbances.js";
import { hostCpus } from "./host-cpus.js";
import type { PinnedTimerParams } from "./params.js";
import { type Delivery, latencyOf, routesOf } from "./routes.js";

/** Slices of simulated time between looks at progress and abort. */
const SLICE_NS = 1_000_000_000n;
/** A run that cannot deliver its timers ends: the residual tick bounds how late one can be. */
const PATIENCE = 4n;

/** The longest a run may take: every timer as late as its kernel can make it, and the pause after it. */
function longestRunNs(p: PinnedTimerParams): bigint {
  return (p.timers + 1n) * (p.delta + PATIENCE * (p.residual + p.tick));
}

/** What a run takes on average, for the progress line. */
export function expectedRunNs(p: PinnedTimerParams): bigint {
  if (p.mode === "periodic") return p.timers * effectivePeriod(p.delta);
  return p.timers * (p.delta + (p.residual + p.tick) / 2n);
}

/** Starts the guest that the parameters ask for; `onTimer` hears of every one-shot timer that is done with. */
function startGuest(
  { host, vcpu }: LapicMachine,
  p: PinnedTimerParams,
  random: Random,
  onTimer: (timer: number) => void,
): void {
  const count = initialCount(p.delta, 1n);
  if (p.mode === "periodic") {
    const load = p.guest === "halts" ? "idle" : "running";
    vcpu.start("periodic timer", (cpu) =>
      periodicTimer(cpu, { count, handlerNs: 0n, load, first: "running", halfEnds: () => cpu.rdtsc() }),
    );
    return;
  }
  vcpu.start("one-shot timers", (cpu) =>
    oneShotTimer(cpu, {
      arms: Number(p.timers),
      count,
      // Each timer has to meet the ticks of both CPUs at any phase, whatever their periods have in common.
      pauseCycles: () => host.cycles(random.between(0n, p.residual) + random.between(0n, p.tick)),
      waits: p.guest,
      onTick: onTimer,
    }),
  );
}

function perThousand(exits: bigint, seen: bigint): bigint {
  return seen === 0n ? 0n : (exits * 1000n) / seen;
}

/** Builds the reproducer of the patch, expires its timers, and measures what docs/model/scenarios-lapic §S001 names. */
export function runPinnedTimer({ params, kernel, seed, hooks }: RunContext<PinnedTimerParams>): Measured {
  checkParams(params);
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
    openTrace: hooks.openTrace,
    random,
  });
  const { host, vcpu } = machine;
  const { counters } = vcpu;
  const deliveries: Delivery[] = [];
  vcpu.apic.observer.onDelivery = ({ expiredOn, injectedOn, late }) =>
    deliveries.push({ expiredOn, injectedOn, takenOn: vcpu.cpu.id, lateNs: host.nanoseconds(late) });
  scheduleDisturbances(machine, params, random);
  let done = 0;
  startGuest(machine, params, random, (timer) => {
    done = timer;
  });

  const totalNs = expectedRunNs(params);
  const endNs = params.mode === "periodic" ? totalNs : longestRunNs(params);
  const finished = (): boolean => done >= Number(params.timers);
  for (let ns = 0n; ns < endNs && !finished(); ns += SLICE_NS) {
    hooks.signal?.throwIfAborted();
    const until = ns + SLICE_NS < endNs ? ns + SLICE_NS : endNs;
    host.engine.runUntilDone(finished, host.tscAt(until));
    const simulatedNs = finished() || until > totalNs ? totalNs : until;
    hooks.onProgress?.({ simulatedNs, totalNs, ticks: BigInt(counters.seen) });
  }

  const elsewhere = deliveries.filter(({ expiredOn, takenOn }) => expiredOn !== takenOn);
  const here = deliveries.filter(({ expiredOn, takenOn }) => expiredOn === takenOn);
  const fromElsewhere = latencyOf(elsewhere).quantiles;
  const fromHere = latencyOf(here).quantiles;
  const latency = latencyOf(deliveries);
  const { quantiles } = latency;
  const { exits, exitsFor, seen, expirations, inj, irrSet, restarts } = counters;
  return {
    observations: {
      expirations: BigInt(expirations),
      seen: BigInt(seen),
      coalesced: BigInt(expirations - irrSet),
      elsewhere: BigInt(elsewhere.length),
      crossed: BigInt(deliveries.filter(({ expiredOn, injectedOn }) => expiredOn !== injectedOn).length),
      p50: quantiles?.p50,
      p90: quantiles?.p90,
      p99: quantiles?.p99,
      p999: quantiles?.p999,
      max: quantiles?.max,
      mean: quantiles?.mean,
      hereP50: fromHere?.p50,
      hereMax: fromHere?.max,
      elsewhereP50: fromElsewhere?.p50,
      elsewhereMax: fromElsewhere?.max,
      exits: BigInt(exits),
      exitsPerThousand: perThousand(BigInt(exits), BigInt(seen)),
      interruptExits: BigInt(exitsFor["external-interrupt"] ?? 0),
      kicks: BigInt(exitsFor.kick ?? 0),
      inj: BigInt(inj),
      irrSet: BigInt(irrSet),
      restarts: BigInt(restarts),
      length: host.trueNs(host.engine.now),
    },
    series: {},
    tables: { routes: routesOf(deliveries) },
    distributions: { latency },
  };
}
