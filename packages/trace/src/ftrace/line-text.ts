import type { PayloadDialect } from "./conversions.js";
import type { KernelRelease } from "./kernel-release.js";
import type { Fields } from "./template.js";
import type { ThreadOnCpu } from "./threads.js";
import { tracepointNamed } from "./tracepoints.js";

/** Whose lines are written: the kernel's tracefs file `trace`, `trace-cmd report`, `perf script`. */
export type FtraceLayout = "tracefs" | "trace-cmd" | "perf-script";

/** What is written where a line can be written in several ways. */
export interface LineStyle {
  readonly layout: FtraceLayout;
  /** Digits of a second's fraction: 6 or 9. */
  readonly timestamps: "us" | "ns";
  readonly payloads: PayloadDialect;
  readonly release: KernelRelease;
}

/** An event that is to be written. */
export interface TextEvent {
  readonly envelope: ThreadOnCpu;
  /** ns. */
  readonly time: bigint;
  readonly context: "thread" | "hardirq";
  readonly event: string;
  readonly fields: Fields;
}

const NS_PER_US = 1_000n;
const US_PER_S = 1_000_000n;
const NS_PER_S = 1_000_000_000n;

/** irqs off, need-resched, hardirq, preempt depth, migrate-disable: KVM's tracepoints of a vCPU's thread and of its interrupts. */
const FLAGS: Readonly<Record<TextEvent["context"], string>> = { thread: ".....", hardirq: "d.h.." };

/** Width of the longest event's name with its system, as perf aligns them. */
const PERF_NAME_WIDTH = "kvm:kvm_hv_stimer_start_one_shot".length;
/** trace-cmd's column of payloads. */
const TRACE_CMD_NAME_WIDTH = 20;

/** `seconds.fraction`. The kernel and trace-cmd round to the microsecond, half up; perf rounds down. */
function timeText(ns: bigint, { layout, timestamps }: LineStyle): string {
  if (timestamps === "ns") return `${ns / NS_PER_S}.${(ns % NS_PER_S).toString().padStart(9, "0")}`;
  const us = (ns + (layout === "perf-script" ? 0n : NS_PER_US / 2n)) / NS_PER_US;
  return `${us / US_PER_S}.${(us % US_PER_S).toString().padStart(6, "0")}`;
}

/**
 * The line of one event, with its end.
 *
 * @throws RangeError for an event that is not in the tables, TypeError for a field that is missing.
 */
export function lineText({ envelope, time, context, event, fields }: TextEvent, style: LineStyle): string {
  const { comm, pid, cpu } = envelope;
  const payload = tracepointNamed(event).format(fields, style.payloads, style.release);
  const name = comm.padStart(16);
  const onCpu = `[${String(cpu).padStart(3, "0")}]`;
  const at = timeText(time, style);
  // %5lu or %6lu of the seconds, and the fraction after them.
  const padded = (width: number): string => at.padStart(width + at.length - at.indexOf("."));
  switch (style.layout) {
    case "tracefs":
      return `${name}-${String(pid).padEnd(7)} ${onCpu} ${FLAGS[context]} ${padded(5)}: ${event}: ${payload}\n`;
    case "trace-cmd": {
      const column = `${event}: `.padEnd(TRACE_CMD_NAME_WIDTH + 2);
      return `${name}-${String(pid).padEnd(5)} ${onCpu} ${FLAGS[context]} ${padded(6)}: ${column}${payload}\n`;
    }
    case "perf-script": {
      const system = event.startsWith("kvm") ? "kvm" : "timer";
      return `${name} ${String(pid).padStart(7)} ${onCpu} ${padded(5)}: ${`${system}:${event}`.padStart(PERF_NAME_WIDTH)}: ${payload}\n`;
    }
  }
}
