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
/** Characters after them and before the payload, at most: what is looked at of a line that has no brackets. */
const MAX_ENVELOPE: number = MAX_HEAD + 512;

/** `comm-pid`, and the process where option `record-tgid` is on; a comm may hold anything, so it ends where the rest begins. */
const TRACEFS_HEAD = /^(.*)-(\d{1,10})(?:\s+\(\s*(\d{1,10}|-{1,10})\))?$/;
/** `comm tid`, or `comm pid/tid`. */
const PERF_HEAD = /^(.*\S)\s+(?:(\d{1,10})\/)?(\d{1,10})$/;
/** TASK_COMM_LEN without its end; more is the name of the file that trace-cmd merged the line from. */
const MAX_COMM = 15;
/** Latency flags: the first says how interrupts are, which is never a digit. */
const FLAGS = "[a-zA-Z.#*][a-zA-Z0-9.#*]{2,7}";
/** The time, of a clock or of a counter. */
const TIME = String.raw`(\d{1,20})(?:\.(\d{1,9}))?:`;
/** The event, with its system where the tool prints that, and where its payload begins. */
const EVENT = String.raw`\s{1,64}(?:[\w-]{1,64}:)?([\w.-]{1,128}):(?:\s|$)`;
/** The CPU in brackets, latency flags if there are any, the time and the event. */
const TAIL = new RegExp(String.raw`\[(\d{1,5})\]\s{1,8}(?:${FLAGS}\s{1,16})?${TIME}${EVENT}`, "y");
/** `trace-cmd report -l`: eight characters of a comm, the pid, and the CPU without brackets, run together with its flags. */
const LATENCY = new RegExp(
  String.raw`^(.*?)-(\d{1,10})\s{1,8}(\d{1,5})\s{0,4}${FLAGS}\s{1,16}${TIME}${EVENT}`,
);
/** `perf script` of samples without a CPU: the thread, then the time; the event always has its system, the time its fraction. */
const WITHOUT_CPU =
  /^(.*?\S)\s{1,16}(?:(\d{1,10})\/)?(\d{1,10})\s{1,16}(\d{1,20})\.(\d{6,9}):\s{1,64}[\w-]{1,64}:([\w.-]{1,128}):(?:\s|$)/;

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

function reading(line: string, envelope: TraceTextEnvelope, event: string, end: number): EnvelopeReading {
  const payload = line.slice(end).trimStart();
  return { envelope, event, payload: payload.trimEnd(), payloadAt: line.length - payload.length };
}

/** A line with its CPU in brackets: tracefs, `trace-cmd report`, `perf script`. */
function readBracketed(line: string): EnvelopeReading | undefined {
  let at = line.indexOf("[");
  for (let tried = 0; at >= 0 && at <= MAX_HEAD && tried < MAX_CANDIDATES; tried++) {
    TAIL.lastIndex = at;
    const tail = TAIL.exec(line);
    const thread = tail === null ? undefined : threadOf(line.slice(0, at).trim());
    if (tail !== null && thread !== undefined) {
      const [, cpu, whole = "0", fraction, event = ""] = tail;
      return reading(
        line,
        { ...thread, cpu: Number(cpu), ...timeOf(whole, fraction) },
        event,
        TAIL.lastIndex,
      );
    }
    at = line.indexOf("[", at + 1);
  }
  return undefined;
}

function readLatency(line: string, start: string): EnvelopeReading | undefined {
  const match = LATENCY.exec(start);
  if (match === null) return undefined;
  const [all, comm = "", pid, cpu, whole = "0", fraction, event = ""] = match;
  const thread = { comm: commOf(comm.trim()), pid: Number(pid), cpu: Number(cpu) };
  return reading(line, { ...thread, ...timeOf(whole, fraction) }, event, all.length);
}

function readWithoutCpu(line: string, start: string): EnvelopeReading | undefined {
  const match = WITHOUT_CPU.exec(start);
  if (match === null) return undefined;
  const [all, comm = "", tgid, pid, whole = "0", fraction, event = ""] = match;
  const thread = { comm: commOf(comm.trim()), pid: Number(pid) };
  const owner = tgid === undefined ? {} : { tgid: Number(tgid) };
  return reading(line, { ...thread, ...owner, ...timeOf(whole, fraction) }, event, all.length);
}

/**
 * Takes a line of a log apart: tracefs `trace` and `trace_pipe`, `trace-cmd report` with and without `-l`, `perf script` with and
 * without CPUs; `undefined` for a line that is no event. No line is of two of these: brackets come first, `-l` has flags between the
 * CPU and the time, and perf has only the time after the thread. Whatever the line holds, the work is proportional to its length.
 *
 * Source: Linux `kernel/trace/trace_output.c`, trace-cmd `trace-read.c`, `tools/perf/builtin-script.c` (docs/model/trace-formats §3.1;
 * docs/model/README for the two without brackets).
 */
export function readEnvelope(line: string): EnvelopeReading | undefined {
  const bracketed = readBracketed(line);
  if (bracketed !== undefined) return bracketed;
  const start = line.slice(0, MAX_ENVELOPE);
  return readLatency(line, start) ?? readWithoutCpu(line, start);
}
