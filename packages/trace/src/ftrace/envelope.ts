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

/** Brackets that are tried in one line: a thread's name has room for few. */
const MAX_CANDIDATES = 4;
/** Characters before the CPU: a thread, and in merged logs the name of a file. */
const MAX_HEAD = 512;

/** `comm-pid`, and the process where option `record-tgid` is on; a comm may hold anything, so it ends where the rest begins. */
const TRACEFS_HEAD = /^(.*)-(\d{1,10})(?:\s+\(\s*(\d{1,10}|-{1,10})\))?$/;
/** `comm tid`, or `comm pid/tid`. */
const PERF_HEAD = /^(.*\S)\s+(?:(\d{1,10})\/)?(\d{1,10})$/;
/** TASK_COMM_LEN without its end; more is the name of the file that trace-cmd merged the line from. */
const MAX_COMM = 15;
/** The CPU in brackets, latency flags if there are any, the time, the event, and where its payload begins. */
const TAIL =
  /\[(\d{1,5})\]\s{1,8}(?:[a-zA-Z0-9.#*]{3,8}\s{1,16})?(\d{1,20})(?:\.(\d{1,9}))?:\s{1,32}(?:[\w-]{1,64}:)?([\w.-]{1,128}):(?:\s|$)/y;

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
  const [, comm = "", tgid, pid] = perf;
  return { comm: commOf(comm), pid: Number(pid), ...(tgid === undefined ? {} : { tgid: Number(tgid) }) };
}

/**
 * Takes a line of a log apart: tracefs `trace` and `trace_pipe`, `trace-cmd report`, `perf script`; `undefined` for a line that is no
 * event. Whatever the line holds, the work is proportional to its length.
 *
 * Source: Linux `kernel/trace/trace_output.c`, trace-cmd `trace-read.c`, `tools/perf/builtin-script.c` (docs/model/trace-formats §3.1).
 */
export function readEnvelope(line: string): EnvelopeReading | undefined {
  let at = line.indexOf("[");
  for (let tried = 0; at >= 0 && at <= MAX_HEAD && tried < MAX_CANDIDATES; tried++) {
    TAIL.lastIndex = at;
    const tail = TAIL.exec(line);
    const thread = tail === null ? undefined : threadOf(line.slice(0, at).trim());
    if (tail !== null && thread !== undefined) {
      const [, cpu, whole = "0", fraction, event = ""] = tail;
      const payload = line.slice(TAIL.lastIndex).trimStart();
      return {
        envelope: { ...thread, cpu: Number(cpu), ...timeOf(whole, fraction) },
        event,
        payload: payload.trimEnd(),
        payloadAt: line.length - payload.length,
      };
    }
    at = line.indexOf("[", at + 1);
  }
  return undefined;
}
