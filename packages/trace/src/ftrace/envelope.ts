import type { TraceTextEnvelope, TraceTextResolution } from "./text-record.js";

/** A line taken apart before its payload is looked at. */
export interface EnvelopeReading {
  readonly envelope: TraceTextEnvelope;
  /** The event's name without its system: `kvm_entry` of `kvm:kvm_entry`. */
  readonly event: string;
  readonly payload: string;
  /** Where the payload begins in the line, in characters. */
  readonly payloadAt: number;
}

/** A CPU in brackets. Only so many of them are tried in one line: a thread's name has room for two. */
const CPU = /\[(\d{1,5})\]/g;
const MAX_CANDIDATES = 4;
/** Characters before the CPU: a thread, and in merged logs the name of a file. */
const MAX_HEAD = 512;

/** `comm-pid`, and the process where option `record-tgid` is on; a comm may hold anything, so it ends where the rest begins. */
const TRACEFS_HEAD = /^(.*)-(\d{1,10})(?:\s+\(\s*(\d{1,10}|-{1,10})\))?$/;
/** `comm tid`, or `comm pid/tid`. */
const PERF_HEAD = /^(.*\S)\s+(?:(\d{1,10})\/)?(\d{1,10})$/;
/** TASK_COMM_LEN without its end; more is the name of the file that trace-cmd merged the line from. */
const MAX_COMM = 15;
/** Latency flags if there are any, the time, the event, its payload. */
const TAIL =
  /^\s{1,8}(?:[a-zA-Z0-9.#*]{3,8}\s{1,16})?(\d{1,20})(?:\.(\d{1,9}))?:\s{1,32}(?:([\w-]{1,64}):)?([\w.-]{1,128}):(?:\s|$)/;

/** No tail that matches is longer. */
const MAX_TAIL = 320;

const NS_DIGITS = 9;

function timeOf(
  whole: string,
  fraction: string | undefined,
): { readonly time: bigint; readonly resolution: TraceTextResolution } {
  if (fraction === undefined) return { time: BigInt(whole), resolution: "cycles" };
  return {
    time: BigInt(whole + fraction.padEnd(NS_DIGITS, "0")),
    resolution: fraction.length > 6 ? "ns" : "us",
  };
}

function commOf(text: string): string {
  return text.length <= MAX_COMM ? text : text.replace(/^.*:\s+/, "");
}

function threadOf(head: string): Pick<TraceTextEnvelope, "comm" | "pid" | "tgid"> | undefined {
  const tracefs = TRACEFS_HEAD.exec(head);
  if (tracefs !== null) {
    const [, comm = "", pid, tgid = "-"] = tracefs;
    return { comm: commOf(comm), pid: Number(pid), ...(tgid.startsWith("-") ? {} : { tgid: Number(tgid) }) };
  }
  const perf = PERF_HEAD.exec(head);
  if (perf === null) return undefined;
  const [, comm = "", process, thread] = perf;
  return {
    comm: commOf(comm),
    pid: Number(thread),
    ...(process === undefined ? {} : { tgid: Number(process) }),
  };
}

/**
 * Takes a line of a log apart: tracefs `trace` and `trace_pipe`, `trace-cmd report`, `perf script`; `undefined` for a line that is no
 * event. Whatever the line holds, the work is proportional to its length.
 *
 * Source: Linux `kernel/trace/trace_output.c`, trace-cmd `trace-read.c`, `tools/perf/builtin-script.c` (docs/model/trace-formats §3.1).
 */
export function readEnvelope(line: string): EnvelopeReading | undefined {
  let candidates = 0;
  for (const match of line.matchAll(CPU)) {
    candidates += 1;
    if (candidates > MAX_CANDIDATES || match.index > MAX_HEAD) return undefined;
    const tailAt = match.index + match[0].length;
    const tail = TAIL.exec(line.slice(tailAt, tailAt + MAX_TAIL));
    if (tail === null) continue;
    const thread = threadOf(line.slice(0, match.index).trim());
    if (thread === undefined) continue;
    const [matched, whole = "0", fraction, , event = ""] = tail;
    const rest = line.slice(tailAt + matched.length);
    const payload = rest.trimStart();
    return {
      envelope: { ...thread, cpu: Number(match[1]), ...timeOf(whole, fraction) },
      event,
      payload: payload.trimEnd(),
      payloadAt: line.length - payload.length,
    };
  }
  return undefined;
}
