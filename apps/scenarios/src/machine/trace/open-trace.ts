import type { TraceRun } from "@chronovisor/trace";
import type { TraceOrder } from "./trace-order.js";

/** What a machine says of itself at the head of its trace; the rest of a head is its run's. */
export type TracedMachine = Pick<TraceRun, "tscHz" | "tscKhz" | "cpus" | "vcpus">;

/** Opens the trace of a machine that is about to be built; undefined where nobody wants it. */
export type OpenTrace = (machine: TracedMachine) => TraceOrder | undefined;
