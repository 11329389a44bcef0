import type { TraceTextSummary } from "@chronovisor/trace";
import type { ClockFindings } from "../trace-analysis/clock-watch.js";
import type { LogFindings, TimerFindings, TraceFindings, VcpuFindings } from "../trace-analysis/findings.js";
import { formatQuantity } from "../units/format-quantity.js";
import { MINUS } from "../units/minus.js";
import { diagnosisLines } from "./diagnoses.js";
import {
  change,
  count,
  counted,
  cycles,
  instant,
  type LogUnit,
  meanAndMax,
  ns,
  rate,
  TIMER_NAMES,
  times,
  vcpuText,
} from "./log-quantities.js";
import type { Style } from "./style.js";
import { hang, wrap } from "./wrap.js";

const INDENT = "  ";
/** Columns before the text of a fact. */
const FACT_INDENT = 18;

/** Prints what a log says: what it shows, then the facts of each vCPU, then how much of it could be read. */
export function renderFindings(name: string, findings: TraceFindings, style: Style, width: number): string {
  const { log, vcpus } = findings;
  return [
    "",
    INDENT + style.heading(name),
    ...wrap(logText(log), width - 2).map((line) => INDENT + line),
    "",
    ...diagnosisLines(findings, style, width),
    ...vmLines(findings, width),
    ...vcpus.flatMap((vcpu) => vcpuLines(vcpu, log.unit, style, width)),
    ...unreadLines(log, style, width),
  ].join("\n");
}

function logText({ text, unit, resolutionNs, first, last, cpus }: LogFindings): string {
  const span = first === undefined || last === undefined ? 0n : last - first;
  const to = resolutionNs === undefined ? "" : `, times to the ${resolutionNs === 1n ? "ns" : "µs"}`;
  const of = cpus === 0 ? "" : ` of ${counted(cpus, "CPU")}`;
  return `${counted(text.records, "event")} in ${counted(text.lines, "line")}: ${formatQuantity(span, unit)}${of}${to}.`;
}

function vmLines({ vms, log }: TraceFindings, width: number): readonly string[] {
  const seen = vms.filter(({ masterClock }) => masterClock.updates > 0);
  if (seen.length === 0) return [""];
  return [
    "",
    ...seen.flatMap(({ tgid, masterClock }) => {
      const { updates, state, changes } = masterClock;
      const moves = changes.map(({ to, time }) => `${to} at ${instant(time, log.unit)}`).join(", ");
      const of = tgid === undefined ? "" : ` of process ${tgid}`;
      const text = `${state} in the end; updated ${times(updates)}${moves === "" ? "" : `: ${moves}`}`;
      return hang(`${INDENT}master clock${of}`, text, FACT_INDENT, width);
    }),
    "",
  ];
}

function vcpuLines(vcpu: VcpuFindings, unit: LogUnit, style: Style, width: number): readonly string[] {
  const facts: ReadonlyArray<readonly [label: string, text: string]> = [
    ...clockFacts(vcpu, unit),
    ...vcpu.timers.map((timer) => [TIMER_NAMES[timer.kind], timerText(timer, unit)] as const),
    ...backendFacts(vcpu),
  ];
  if (facts.length === 0) return [];
  return [
    INDENT + style.heading(vcpuText(vcpu.name)),
    ...facts.flatMap(([label, text]) => hang(`    ${label}`, text, FACT_INDENT, width)),
    "",
  ];
}

function clockFacts(
  { clock, offset }: VcpuFindings,
  unit: LogUnit,
): ReadonlyArray<readonly [string, string]> {
  const { parameters, updates, drift, jumps, jumpsWithOffset } = clock;
  const facts: (readonly [string, string])[] = [];
  if (parameters !== undefined) {
    const { tscHz, tscToSystemMul, tscShift, flags } = parameters;
    const shift = tscShift < 0 ? `${MINUS}${-tscShift}` : String(tscShift);
    facts.push([
      "kvmclock",
      `a TSC of ${formatQuantity(tscHz, "Hz", { digits: 10 })} (mul ${tscToSystemMul}, shift ${shift}, flags 0x${flags.toString(16)}); updated ${times(updates)}`,
    ]);
    facts.push(["drift", driftText(drift)]);
  }
  if (jumps.count > 0) {
    const worst = jumps.worst
      .map(({ time, value }) => `${change(value)} at ${instant(time, unit)}`)
      .join(", ");
    const aside = jumpsWithOffset === 0 ? "" : `; ${count(jumpsWithOffset)} with a write of the TSC offset`;
    facts.push(["jumps", `${count(jumps.count)}: ${worst}${aside}`]);
  }
  if (offset.current !== undefined) {
    const moved = offset.changes.at(-1);
    const text = moved === undefined ? "never changed" : `last changed at ${instant(moved.time, unit)}`;
    facts.push(["TSC offset", `${cycles(offset.current)}; written ${times(offset.writes)}, ${text}`]);
  }
  return facts;
}

/** How fast the guest's clock is against the host's that sets it, and how well that is known. */
function driftText(drift: ClockFindings["drift"]): string {
  if (drift === undefined) return "one reference, so none to measure";
  const { ppt, withinPpt, overNs } = drift;
  const over = `against the host's clock, over ${ns(overNs)}`;
  if (ppt <= withinPpt && ppt >= -withinPpt) return `none beyond rounding, ${rate(withinPpt)}, ${over}`;
  return `${ppt < 0n ? "loses" : "gains"} ${rate(ppt)} (± ${rate(withinPpt)}) ${over}`;
}

function timerText({ delivery, expiry }: TimerFindings, unit: LogUnit): string {
  const { expiries, vector, shownBy, local, remote, unplaced } = delivery;
  const { periodNs, lateness, late } = expiry;
  const parts = [
    `${counted(expiries, "expiry", "expiries")}${periodNs === undefined ? "" : ` every ${ns(periodNs)}`}`,
    ...(lateness.count === 0
      ? []
      : [`late by ${meanAndMax(lateness, "ns")}${late === 0 ? "" : `, ${count(late)} by more than 100 µs`}`]),
    ...(vector === undefined
      ? ["no interrupt seen to follow"]
      : [`interrupt 0x${vector.toString(16)} (${shownBy})`]),
    ...(local.count === 0 ? [] : [`${count(local.count)} on its CPU, ${meanAndMax(local, unit)} after`]),
    ...(remote.count === 0 ? [] : [`${count(remote.count)} on another, ${meanAndMax(remote, unit)} after`]),
    ...(unplaced.count === 0
      ? []
      : [`${count(unplaced.count)} on no CPU known, ${meanAndMax(unplaced, unit)} after`]),
  ];
  return parts.join("; ");
}

function backendFacts({ backend, advance, xen }: VcpuFindings): ReadonlyArray<readonly [string, string]> {
  const { hv, sw, hvToSw, swToHv } = backend;
  const { deltas, first, last, early, settled } = advance;
  return [
    ...(hv + sw === 0
      ? []
      : [
          [
            "backend",
            hv === 0
              ? `hrtimer, armed ${times(sw)}`
              : `preemption timer, armed ${times(hv)}; hrtimer, ${times(sw)}; ${counted(hvToSw, "switch", "switches")} to the hrtimer, ${count(swToHv)} back`,
          ] as const,
        ]),
    ...(deltas.count === 0 || first === undefined || last === undefined
      ? []
      : [
          [
            "timer advance",
            `${count(deltas.count)} waits, ${count(early)} begun early; ${cycles(first)} from the deadline at first, ${cycles(last)} at last, ${count(settled)} within 100 cycles`,
          ] as const,
        ]),
    ...(xen.pace === undefined
      ? []
      : [
          [
            "Xen deadlines",
            `${count(xen.timers)}; the host's move ${rate(xen.pace.ppt)} ${xen.pace.ppt < 0n ? "back" : "on"} against the guest's`,
          ] as const,
        ]),
  ];
}

const SKIP_TEXTS: Readonly<Record<keyof TraceTextSummary["skipped"], string>> = {
  "not-an-event": "no event",
  "unknown-event": "an event that says nothing of clocks and timers",
  payload: "an event whose text is not what it prints",
  "too-long": "longer than 65 536 characters",
};

function unreadLines(
  { text, order, withoutCpu, unattributed }: LogFindings,
  style: Style,
  width: number,
): readonly string[] {
  const skipped = (Object.keys(SKIP_TEXTS) as (keyof typeof SKIP_TEXTS)[]).filter(
    (reason) => text.skipped[reason].count > 0,
  );
  const notes = [
    ...(text.lost.notices === 0
      ? []
      : [
          `The tracer lost events ${times(text.lost.notices)}, ${count(text.lost.events)} that it counted: what came then may be told wrong.`,
        ]),
    ...(order.outOfOrder === 0
      ? []
      : [`${counted(order.outOfOrder, "event")} far from the right place in time.`]),
    ...(order.duplicates === 0 ? [] : [`${counted(order.duplicates, "event")} repeated.`]),
    ...(withoutCpu === 0
      ? []
      : [
          `${counted(withoutCpu, "event")} without a CPU: whether timers expire on the vCPU's cannot be told from them.`,
        ]),
    ...(unattributed === 0
      ? []
      : [
          `${counted(unattributed, "expiry", "expiries")} of guests' timers could not be told to be any vCPU's.`,
        ]),
  ];
  if (skipped.length === 0 && notes.length === 0) return [];
  return [
    INDENT + style.heading("Not read"),
    ...skipped.flatMap((reason) => {
      const { count: lines, examples } = text.skipped[reason];
      return [
        ...hang("", `${counted(lines, "line")}: ${SKIP_TEXTS[reason]}`, 4, width),
        ...examples.map(({ line, column, text: example }) => {
          const place = `line ${line}${column === undefined ? "" : `, column ${column}`}: `;
          return style.aside(`      ${place}${cut(example.trim(), width - 6 - place.length)}`);
        }),
      ];
    }),
    ...notes.flatMap((note) => hang("", note, 4, width)),
    "",
  ];
}

/** A line of a log on a line of the screen; what would move the cursor is replaced. */
function cut(text: string, width: number): string {
  const plain = text.replace(/\p{Cc}/gu, "·");
  return plain.length <= width ? plain : `${plain.slice(0, Math.max(0, width - 1))}…`;
}
