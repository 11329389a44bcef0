import type { TraceEvent, TraceEventKind } from "./events.js";

/** A field that holds one of a few words; each has a number of its own, for formats that cannot write words. */
export interface Words<V extends string = string> {
  readonly words: Readonly<Record<V, number>>;
}

/** What a field holds: a 64-bit integer, signed or not; a small count; text; clocks with their readings; one of a few words. */
export type FieldType = "integer" | "count" | "text" | "clocks" | Words;

type EventOf<K extends TraceEventKind> = Extract<TraceEvent, { kind: K }>;

type TypeOf<V> = [V] extends [bigint]
  ? "integer"
  : [V] extends [number]
    ? "count"
    : [V] extends [string]
      ? string extends V
        ? "text"
        : Words<V>
      : "clocks";

type SpecOf<E, F extends keyof E> =
  Record<never, never> extends Pick<E, F>
    ? { readonly optional: TypeOf<Exclude<E[F], undefined>> }
    : undefined extends E[F]
      ? { readonly unknown: TypeOf<Exclude<E[F], undefined>> }
      : TypeOf<E[F]>;

type SpecsOf<E> = { readonly [F in Exclude<keyof E, "kind" | "at">]-?: SpecOf<E, F> };

/** Where a vCPU's thread is. */
export const VCPU_STATE: Words<EventOf<"vcpu-state">["state"]> = {
  words: { guest: 0, host: 1, blocked: 2, userspace: 3, preempted: 4 },
};

/** What a CPU runs; a vCPU has its index added. */
export const CPU_RUNS: Words<EventOf<"cpu-runs">["what"]> = { words: { idle: 0, work: 1, vcpu: 2 } };

const BACKEND: Words<"hrtimer" | "preemption-timer"> = { words: { hrtimer: 0, "preemption-timer": 1 } };
const CLOCKSOURCE: Words<"none" | "tsc"> = { words: { none: 0, tsc: 1 } };
const OFF_ON: Words<"off" | "on"> = { words: { off: 0, on: 1 } };
const NO_YES: Words<"no" | "yes"> = { words: { no: 0, yes: 1 } };

const ON_VCPU = { vcpu: "count" } as const;
const ON_CPU = { cpu: "count" } as const;
const IN_FLOW = { flow: { optional: "count" } } as const;

/** Every field of every event but `kind` and `at`, in the order they are written. An event that is not told here does not compile. */
const SPECS: { readonly [K in TraceEventKind]: SpecsOf<EventOf<K>> } = {
  "msr-write": { ...ON_VCPU, msr: "count", value: "integer", ...IN_FLOW },
  "xen-set-timer": { ...ON_VCPU, deadlineNs: "integer", ...IN_FLOW },
  "timer-armed": { ...ON_VCPU, backend: BACKEND, deadline: "integer", ...IN_FLOW },
  "timer-disarmed": { ...ON_VCPU, backend: BACKEND, ...IN_FLOW },
  "preemption-timer-exit": { ...ON_VCPU, ...IN_FLOW },
  "hrtimer-callback": { ...ON_VCPU, ...ON_CPU, ...IN_FLOW },
  "hrtimer-catch-up": { ...ON_VCPU, ...ON_CPU, count: "integer", ...IN_FLOW },
  "timer-expired": {
    ...ON_VCPU,
    source: { words: { callback: 0, "preemption-timer": 1, "software-start": 2, "hv-start": 3 } },
    outcome: { words: { coalesced: 0, pending: 1, injected: 2, posted: 3 } },
    ...IN_FLOW,
  },
  "timer-advanced": { ...ON_VCPU, targetNs: "integer", deadlineTsc: "integer", ...IN_FLOW },
  kick: { ...ON_VCPU, ...IN_FLOW },
  inject: { ...ON_VCPU, vector: "count", coalesced: NO_YES, ...IN_FLOW },
  acknowledge: { ...ON_VCPU, vector: "count", ...IN_FLOW },
  eoi: { ...ON_VCPU, vector: { unknown: "count" }, ...IN_FLOW },
  "vcpu-state": { ...ON_VCPU, state: VCPU_STATE },
  "vm-exit": { ...ON_VCPU, reason: "text" },
  backend: { ...ON_VCPU, backend: BACKEND, reason: "text", ...IN_FLOW },
  note: { ...ON_VCPU, text: "text" },
  warning: { ...ON_VCPU, text: "text" },
  "pvclock-update": {
    ...ON_VCPU,
    version: "count",
    tscTimestamp: "integer",
    systemTime: "integer",
    tscToSystemMul: "count",
    tscShift: "count",
    flags: "count",
  },
  "tsc-offset": { ...ON_VCPU, from: "integer", to: "integer" },
  "tsc-matched": {
    ...ON_VCPU,
    masterClock: OFF_ON,
    matched: "count",
    online: "count",
    clocksource: CLOCKSOURCE,
  },
  "master-clock": { masterClock: OFF_ON, clocksource: CLOCKSOURCE, matched: NO_YES },
  clocks: { clocks: "clocks" },
  counter: {
    name: "text",
    unit: { words: { ns: 0, count: 1 } },
    value: "integer",
    vcpu: { optional: "count" },
  },
  epoch: { ns: "integer" },
  "cpu-runs": { ...ON_CPU, what: CPU_RUNS, vcpu: { optional: "count" } },
  "hrtimer-start": {
    ...ON_CPU,
    timer: "count",
    name: "text",
    expiresNs: "integer",
    mode: "text",
    was: { words: { idle: 0, armed: 1 } },
  },
  "hrtimer-expire": { ...ON_CPU, timer: "count", name: "text", nowNs: "integer" },
  "hrtimer-done": { ...ON_CPU, timer: "count" },
  "hrtimer-cancel": { ...ON_CPU, timer: "count" },
  "irq-begin": { ...ON_CPU, what: { words: { timer: 0, ipi: 1 } } },
  "irq-end": ON_CPU,
};

/** A field of an event. */
export interface EventField {
  readonly name: string;
  readonly type: FieldType;
  /** Whether the field is always there, may be absent, or is there and may be undefined. */
  readonly presence: "always" | "optional" | "unknown";
}

type Spec = FieldType | { readonly optional: FieldType } | { readonly unknown: FieldType };

function fieldOf([name, spec]: readonly [string, Spec]): EventField {
  if (typeof spec === "object" && "optional" in spec)
    return { name, type: spec.optional, presence: "optional" };
  if (typeof spec === "object" && "unknown" in spec) return { name, type: spec.unknown, presence: "unknown" };
  return { name, type: spec, presence: "always" };
}

const FIELDS: ReadonlyMap<string, readonly EventField[]> = new Map(
  Object.entries(SPECS).map(([kind, specs]) => [kind, Object.entries<Spec>(specs).map(fieldOf)]),
);

/** Fields of the events called `kind`, besides `kind` and `at`; `undefined` when there are no such events. */
export function fieldsOf(kind: string): readonly EventField[] | undefined {
  return FIELDS.get(kind);
}
