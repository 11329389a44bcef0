import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import { EVENTS, eventAt, type Outcome } from "./events.js";
import { migrate } from "./migration.js";
import type { HypervPageParams } from "./params.js";
import { pageLife, SAMPLES, type Sample } from "./samples.js";

const UNIT_NS = 100n;
const HEX = 16;
/** Lines of the table: one of so many samples. */
const SAMPLES_PER_LINE = 6;
/** Machines that live to the age: those of the events, the two moves, and the one that is compared. */
const LIVES = BigInt(EVENTS.length) + 3n;

/** Simulated time of a run, for progress. */
export function runNs({ age }: HypervPageParams): bigint {
  return age * LIVES;
}

/** Compares a guest's reference time with its other clocks, and what happens to its page (docs/model/scenarios-clock §S9). */
export function runHypervPage({ params, kernel, hooks }: RunContext<HypervPageParams>): Measured {
  const { axes } = kernel;
  const totalNs = runNs(params);
  let simulatedNs = 0n;
  const lived = (ns: bigint): void => {
    hooks.signal?.throwIfAborted();
    simulatedNs += ns;
    hooks.onProgress?.({ simulatedNs, totalNs, ticks: simulatedNs / params.age });
  };
  let sampled = 0n;
  const onSample = (): void => {
    const before = (params.age * sampled) / SAMPLES;
    sampled += 1n;
    lived((params.age * sampled) / SAMPLES - before);
  };
  const { scale, samples } = pageLife(params, axes, onSample, hooks.openTrace);
  const events = EVENTS.map(({ id, title }) => {
    const outcome = eventAt(params, axes, id);
    lived(params.age);
    return { id, title, outcome };
  });
  const [moved, frozen] = (["off", "on"] as const).map((emulation) => {
    const migration = migrate(params, axes, emulation);
    lived(params.age);
    return migration;
  });
  const step = (id: string): bigint | undefined => events.find((event) => event.id === id)?.outcome.step;
  return {
    observations: {
      scale: `0x${scale.toString(HEX)}`,
      worst: samples.reduce((most, { ahead }) => (magnitude(ahead) > most ? magnitude(ahead) : most), 0n),
      fallback: samples[samples.length - 1]?.fallback ?? 0n,
      named: step("named"),
      reference: step("reference"),
      removed: step("removed"),
      lost: step("lost"),
      moved: moved?.step,
      frozen: frozen?.step,
      inForce: frozen?.inForce,
      frozenAhead: frozen?.ahead,
      afterLoss: events.find(({ id }) => id === "returned")?.outcome.status,
    },
    series: {
      fallback: {
        title: "the counter without the page, minus the page, by the guest's age",
        unit: "ns",
        points: samples.map(({ ns, fallback }) => [ns, fallback * UNIT_NS] as const),
      },
    },
    tables: {
      agreement: agreementTable(samples),
      events: eventsTable([
        ...events,
        ...(moved === undefined ? [] : [{ title: "guest is moved", outcome: moved }]),
        ...(frozen === undefined ? [] : [{ title: "moved, emulated TSC", outcome: frozen }]),
      ]),
    },
  };
}

function agreementTable(samples: readonly Sample[]): Table {
  return {
    title: "the guest's clocks as it ages, its page in force",
    columns: [
      { name: "at", unit: "ns", title: "after" },
      { name: "ahead", unit: "ns", title: "page minus kvmclock", signed: true },
      { name: "fallback", unit: "ns", title: "counter without page, minus page", signed: true },
    ],
    rows: samples
      .filter((_, i) => (i + 1) % SAMPLES_PER_LINE === 0)
      .map(({ ns, ahead, fallback }) => [ns, ahead, fallback * UNIT_NS]),
  };
}

function eventsTable(events: readonly { readonly title: string; readonly outcome: Outcome }[]): Table {
  return {
    title: "what happens to the page at that age",
    columns: [
      { name: "event", unit: "name", title: "event" },
      { name: "step", unit: "ns", title: "time steps", signed: true },
      { name: "ahead", unit: "ns", title: "off kvmclock", signed: true },
      { name: "status", unit: "name", title: "page" },
      { name: "sequence", unit: "count", title: "sequence" },
    ],
    rows: events.map(({ title, outcome: { step, ahead, status, sequence } }) => [
      title,
      step * UNIT_NS,
      ahead,
      status,
      sequence,
    ]),
  };
}
