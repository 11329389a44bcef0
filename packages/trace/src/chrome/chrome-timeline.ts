import type { TraceRun } from "../exporter.js";
import type {
  Arg,
  ArgValue,
  CounterRow,
  Flow,
  Mark,
  Row,
  RowOwner,
  Span,
  Timeline,
} from "../timeline/timeline.js";
import { type JsonField, jsonObject, microseconds, type TraceText } from "./trace-text.js";

const HOST_PID = 1;
const VM_PID = 100;
const FIRST_VCPU_TID = 1_000;

/** What every flow is called: viewers join steps by category, name and id. */
const FLOW_CATEGORY = "flow";
const FLOW_NAME = "timer";

/** A slice that has begun and not ended. */
interface Open {
  readonly ns: bigint;
  readonly mark: Mark;
}

/**
 * Writes a drawing as Chrome's trace events (docs/model/trace-formats §2).
 *
 * What CPUs do nests and is written as it begins and as it ends (`B`, `E`). Where a vCPU's thread is, is one complete slice (`X`),
 * written when it is over. Timers overlap, so they are async spans (`b`, `e`). Only processes and threads have rows of their own: what
 * is under a thread in a drawing is on the thread here.
 */
export class ChromeTimeline implements Timeline {
  readonly #out: TraceText;
  /** The slice each vCPU's thread is in, by its index: they follow each other, none is inside another. */
  readonly #states = new Map<number, Open>();
  /** Names of the slices that are open on each CPU, outermost first. */
  readonly #names = new Map<number, string[]>();
  /** Flows are counted from 1 as timers are armed: what is above this begins one. */
  #lastFlow = 0;

  constructor(out: TraceText, run: TraceRun) {
    this.#out = out;
    out.begin(otherDataOf(run));
    this.#nameProcess(HOST_PID, "host A", 0);
    for (let index = 0; index < run.cpus; index++) this.#nameThread({ kind: "cpu", index }, `CPU ${index}`);
    this.#nameProcess(VM_PID, "VM 0", 1);
    for (let index = 0; index < run.vcpus; index++) {
      this.#nameThread({ kind: "vcpu", index }, `CPU ${index}/KVM`);
    }
  }

  begin(ns: bigint, { owner }: Row, mark: Mark): void {
    if (owner.kind === "vcpu") {
      this.#states.set(owner.index, { ns, mark });
      return;
    }
    if (owner.kind === "cpu") {
      const names = this.#names.get(owner.index);
      if (names === undefined) this.#names.set(owner.index, [mark.name]);
      else names.push(mark.name);
    }
    this.#event("B", ns, owner, mark.name, mark.category, [["args", argsJson(mark.args)]]);
    this.#flow(ns, owner, mark.flow);
  }

  end(ns: bigint, { owner }: Row): void {
    if (owner.kind === "vcpu") {
      const state = this.#states.get(owner.index);
      this.#states.delete(owner.index);
      if (state === undefined) return;
      const { name, category, args } = state.mark;
      this.#event("X", state.ns, owner, name, category, [
        ["dur", microseconds(ns - state.ns)],
        ["args", argsJson(args)],
      ]);
      return;
    }
    const name = owner.kind === "cpu" ? this.#names.get(owner.index)?.pop() : undefined;
    this.#event("E", ns, owner, name ?? "", undefined, []);
  }

  instant(ns: bigint, { owner }: Row, { name, category, args, flow }: Mark): void {
    const scope = owner.kind === "cpu" || owner.kind === "vcpu" ? "t" : "p";
    this.#event("i", ns, owner, name, category, [
      ["s", JSON.stringify(scope)],
      ["args", argsJson(args)],
    ]);
    this.#flow(ns, owner, flow);
  }

  beginSpan(ns: bigint, span: Span): void {
    const { row, mark } = span;
    this.#event("b", ns, row.owner, mark.name, mark.category, [
      ["id", spanId(span)],
      ["args", argsJson(mark.args)],
    ]);
    this.#flow(ns, row.owner, mark.flow);
  }

  endSpan(ns: bigint, span: Span, args: readonly Arg[]): void {
    const { row, mark } = span;
    this.#event("e", ns, row.owner, mark.name, mark.category, [
      ["id", spanId(span)],
      ["args", argsJson(args)],
    ]);
  }

  /** Counters are of a process here, so a vCPU's is told from another's by an id. */
  counter(ns: bigint, { owner, title }: CounterRow, value: bigint): void {
    const id: JsonField[] = owner.kind === "vcpu" ? [["id", JSON.stringify(`vCPU ${owner.index}`)]] : [];
    this.#event("C", ns, owner, title, undefined, [...id, ["args", jsonObject([["value", String(value)]])]]);
  }

  /** The format has no clocks; their drifts are counters. */
  snapshot(): void {}

  #nameProcess(pid: number, name: string, rank: number): void {
    this.#metadata("process_name", pid, pid, [["name", JSON.stringify(name)]]);
    this.#metadata("process_sort_index", pid, pid, [["sort_index", String(rank)]]);
  }

  #nameThread(owner: RowOwner, name: string): void {
    const { pid, tid } = threadOf(owner);
    this.#metadata("thread_name", pid, tid, [["name", JSON.stringify(name)]]);
    this.#metadata("thread_sort_index", pid, tid, [["sort_index", String(tid)]]);
  }

  #metadata(name: string, pid: number, tid: number, args: readonly JsonField[]): void {
    this.#out.event([
      ["ph", '"M"'],
      ["pid", String(pid)],
      ["tid", String(tid)],
      ["name", JSON.stringify(name)],
      ["args", jsonObject(args)],
    ]);
  }

  /** Joins this mark to the one before it: arrows start and end at the slices around them. An end alone is no arrow. */
  #flow(ns: bigint, owner: RowOwner, flow: Flow | undefined): void {
    if (flow === undefined) return;
    const isFirst = flow.id > this.#lastFlow;
    if (isFirst) this.#lastFlow = flow.id;
    if (flow.role === "end" && isFirst) return;
    const phase = flow.role === "end" ? "f" : isFirst ? "s" : "t";
    const id: JsonField = ["id", JSON.stringify(String(flow.id))];
    const binding: JsonField[] = phase === "f" ? [["bp", '"e"']] : [];
    this.#event(phase, ns, owner, FLOW_NAME, FLOW_CATEGORY, [id, ...binding]);
  }

  #event(
    phase: string,
    ns: bigint,
    owner: RowOwner,
    name: string,
    category: string | undefined,
    fields: readonly JsonField[],
  ): void {
    const { pid, tid } = threadOf(owner);
    const cat: JsonField[] = category === undefined ? [] : [["cat", JSON.stringify(category)]];
    this.#out.event([
      ["ph", JSON.stringify(phase)],
      ["ts", microseconds(ns)],
      ["pid", String(pid)],
      ["tid", String(tid)],
      ...cat,
      ["name", JSON.stringify(name)],
      ...fields,
    ]);
  }
}

/** What a trace is of. */
function otherDataOf(run: TraceRun): readonly JsonField[] {
  return [
    ["scenario", JSON.stringify(run.scenario)],
    ["kernel", JSON.stringify(run.kernel)],
    ["params", argsJson(Object.entries(run.params))],
    ["seed", String(run.seed)],
    ["tscHz", argJson(run.tscHz)],
    ["tscKhz", String(run.tscKhz)],
  ];
}

/** What is of a whole process is on the thread that has its id. */
function threadOf(owner: RowOwner): { readonly pid: number; readonly tid: number } {
  switch (owner.kind) {
    case "host":
      return { pid: HOST_PID, tid: HOST_PID };
    case "vm":
      return { pid: VM_PID, tid: VM_PID };
    case "cpu":
      return { pid: HOST_PID, tid: owner.index + 1 };
    case "vcpu":
      return { pid: VM_PID, tid: FIRST_VCPU_TID + owner.index };
  }
}

/** Viewers match spans by category and id, over the whole file. */
function spanId({ id, row: { owner } }: Span): string {
  return JSON.stringify(owner.kind === "vcpu" ? `vCPU ${owner.index} ${id}` : id);
}

function argsJson(args: readonly Arg[]): string {
  return jsonObject(args.map(([name, value]): JsonField => [name, argJson(value)]));
}

/** A 64-bit value as text: a JSON number is a double to whoever reads it. */
function argJson(value: ArgValue): string {
  return typeof value === "number" ? String(value) : JSON.stringify(String(value));
}
