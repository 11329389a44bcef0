import type { TraceTextSummary } from "@chronovisor/trace";
import { type Diagnosis, diagnose, type RemoteDelivery } from "../trace-analysis/diagnosis.js";
import type {
  GuestTimerKind,
  LogFindings,
  TimerFindings,
  TraceFindings,
  VcpuFindings,
} from "../trace-analysis/findings.js";
import type { MasterClockChange, MasterClockReason } from "../trace-analysis/master-clock-watch.js";
import type { TallySummary } from "../trace-analysis/tally.js";
import type { VcpuName } from "../trace-analysis/vcpu-directory.js";
import { formatQuantity } from "../units/format-quantity.js";
import { groupThousands } from "../units/group-thousands.js";
import { MINUS } from "../units/minus.js";
import type { Style } from "./style.js";
import { hang, wrap } from "./wrap.js";

const INDENT = "  ";
/** Columns before the text of a fact. */
const FACT_INDENT = 18;

const TIMER_NAMES: Readonly<Record<GuestTimerKind, string>> = {
  lapic: "LAPIC timer",
  xen: "Xen timer",
  "hyper-v": "Hyper-V timer",
};

const REMOTE_OUTCOMES: Readonly<Record<RemoteDelivery, string>> = {
  waited: "Nothing made the vCPU leave the guest then: it got the interrupt at its next exit",
  kicked: "The vCPU was kicked out of the guest for it at once",
  woken: "The vCPU was not in the guest then, and was woken",
};

const REASONS: Readonly<Record<MasterClockReason, string>> = {
  "host-clocksource": "the host's clocksource is not the TSC",
  "unmatched-tsc": "the TSCs of its vCPUs are not in step",
  other:
    "clocksource and TSCs were in order, so a host CPU's TSC went back, or the boot vCPU has a kvmclock of the old interface",
};

type Unit = LogFindings["unit"];

const count = (value: number | bigint): string => groupThousands(BigInt(value));
const ns = (value: bigint): string => formatQuantity(value, "ns");
const change = (value: bigint): string => formatQuantity(value, "ns", { signs: "both" });
const cycles = (value: bigint): string => formatQuantity(value, "cycles");

/** An instant of the log's clock, as the log prints it. */
function instant(time: bigint, unit: Unit): string {
  if (unit === "cycles") return `cycle ${groupThousands(time)}`;
  const us = (time + 500n) / 1_000n;
  return `${us / 1_000_000n}.${(us % 1_000_000n).toString().padStart(6, "0")}`;
}

/** Parts per 10^12 as ppb with three decimals. */
function rate(ppt: bigint): string {
  const size = ppt < 0n ? -ppt : ppt;
  return `${size / 1_000n}.${(size % 1_000n).toString().padStart(3, "0")} ppb`;
}

function vcpuText({ id, pid }: VcpuName): string {
  return pid === undefined ? `vCPU ${id}` : `vCPU ${id} (thread ${pid})`;
}

function meanAndMax({ count: n, sum, max }: TallySummary, unit: Unit): string {
  const mean = sum / BigInt(n === 0 ? 1 : n);
  return `mean ${formatQuantity(mean, unit)}, max ${formatQuantity(max, unit)}`;
}

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
  return `${count(text.records)} events in ${count(text.lines)} lines: ${formatQuantity(span, unit)} of ${count(cpus)} CPUs${to}.`;
}

function diagnosisLines(findings: TraceFindings, style: Style, width: number): readonly string[] {
  const diagnoses = diagnose(findings);
  if (diagnoses.length === 0) {
    return wrap("Nothing in it is out of order, as far as it goes.", width - 2).map((line) => INDENT + line);
  }
  return diagnoses.flatMap((diagnosis) => [
    ...hang(`${INDENT}◆`, diagnosisText(diagnosis, findings.log.unit), 4, width).map((line, i) =>
      i === 0 ? style.differs(line) : line,
    ),
    ...("story" in diagnosis
      ? [style.aside(`    reproduce it: chronovisor compare ${diagnosis.story}`)]
      : []),
  ]);
}

function diagnosisText(diagnosis: Diagnosis, unit: Unit): string {
  switch (diagnosis.kind) {
    case "master-clock-off":
      return masterClockText(diagnosis.change, unit);
    case "remote-timer": {
      const { vcpu, timer, delivery, local, remote } = diagnosis;
      const all = local.count + remote.count;
      const elsewhere = `${count(remote.count)} of ${count(all)} expiries were on another CPU than the interrupt they led to, ${meanAndMax(remote, unit)} before it`;
      const here = local.count === 0 ? "" : ` (on its own CPU: ${meanAndMax(local, unit)})`;
      return `${vcpuText(vcpu)}: the ${TIMER_NAMES[timer]} is not pinned: ${elsewhere}${here}. ${REMOTE_OUTCOMES[delivery]}.`;
    }
    case "xen-timer-pace": {
      const sign = diagnosis.ppt > 0n ? "late" : "early";
      return `${vcpuText(diagnosis.vcpu)}: its Xen timers are timed by the host's clock, not by its own: they come ${rate(diagnosis.ppt)} of the time since its clock was set too ${sign}.`;
    }
    case "timer-behind":
      return `${vcpuText(diagnosis.vcpu)}: the ${TIMER_NAMES[diagnosis.timer]} was held up for ${ns(diagnosis.worstNs)} and caught up: ${count(diagnosis.behind)} expiries a period or more after their time.`;
    case "late-expiries":
      return `${vcpuText(diagnosis.vcpu)}: ${count(diagnosis.late)} expiries of the ${TIMER_NAMES[diagnosis.timer]} more than 100 µs late, the worst ${ns(diagnosis.worstNs)}.`;
    case "lost-ticks":
      return `${vcpuText(diagnosis.vcpu)}: ${lostText(diagnosis)}`;
    case "clock-drift": {
      const how = diagnosis.ppt > 0n ? "gains" : "loses";
      return `${vcpuText(diagnosis.vcpu)}: between updates its kvmclock ${how} ${rate(diagnosis.ppt)} on the host's clock, over ${ns(diagnosis.overNs)}.`;
    }
    case "clock-jumps": {
      const { vcpu, jumps } = diagnosis;
      const [worst] = jumps.worst;
      const at =
        worst === undefined ? "" : `, the largest ${change(worst.value)} at ${instant(worst.time, unit)}`;
      return `${vcpuText(vcpu)}: its kvmclock jumped ${times(jumps.count)}${at}.`;
    }
    case "offsets-apart":
      return `TSC offsets differ between vCPUs, by up to ${cycles(diagnosis.most - diagnosis.least)}.`;
  }
}

const times = (n: number): string => (n === 1 ? "once" : `${count(n)} times`);

function lostText({ timer, merged, skipped }: Extract<Diagnosis, { kind: "lost-ticks" }>): string {
  const parts = [
    ...(merged > 0
      ? [`${count(merged)} expiries were over before the guest got the interrupt of an earlier one`]
      : []),
    ...(skipped > 0n ? [`${count(skipped)} periods went by without an expiry`] : []),
  ];
  return `the guest lost ticks of the ${TIMER_NAMES[timer]}: ${parts.join("; ")}.`;
}

function masterClockText(
  { time, reason, suspect, matched, hostClock, comm, pid }: MasterClockChange,
  unit: Unit,
): string {
  const why = REASONS[reason ?? "other"];
  const details = [
    ...(reason === "host-clocksource" ? [`it is "${hostClock}"`] : []),
    ...(matched === undefined ? [] : [`${count(matched.vcpus)} of ${count(matched.online)} were`]),
    ...(suspect === undefined
      ? []
      : [
          suspect.what === "offset-write"
            ? `last moved by ${formatQuantity(suspect.cycles, "cycles", { signs: "both" })} on ${vcpuText(suspect.vcpu)} at ${instant(suspect.time, unit)}`
            : `${vcpuText(suspect.vcpu)} wrote its TSC at ${instant(suspect.time, unit)}`,
        ]),
  ];
  const aside = details.length === 0 ? "" : ` (${details.join("; ")})`;
  return `The master clock went off at ${instant(time, unit)}, in ${comm}-${pid}: ${why}${aside}. Each vCPU's clock is now set by itself.`;
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

function vcpuLines(vcpu: VcpuFindings, unit: Unit, style: Style, width: number): readonly string[] {
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

function clockFacts({ clock, offset }: VcpuFindings, unit: Unit): ReadonlyArray<readonly [string, string]> {
  const { parameters, updates, drift, jumps, jumpsWithOffset } = clock;
  const facts: (readonly [string, string])[] = [];
  if (parameters !== undefined) {
    const { tscHz, tscToSystemMul, tscShift, flags } = parameters;
    const shift = tscShift < 0 ? `${MINUS}${-tscShift}` : String(tscShift);
    const against =
      drift === undefined
        ? "one reference, so no drift to measure"
        : `${drift.ppt < 0n ? "loses" : "gains"} ${rate(drift.ppt)}`;
    facts.push([
      "kvmclock",
      `a TSC of ${formatQuantity(tscHz, "Hz", { digits: 10 })} (mul ${tscToSystemMul}, shift ${shift}, flags 0x${flags.toString(16)}); updated ${times(updates)}; ${against}`,
    ]);
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

function timerText({ delivery, expiry }: TimerFindings, unit: Unit): string {
  const { expiries, vector, shownBy, local, remote } = delivery;
  const { periodNs, lateness, late } = expiry;
  const parts = [
    `${count(expiries)} expiries${periodNs === undefined ? "" : ` every ${ns(periodNs)}`}`,
    ...(lateness.count === 0
      ? []
      : [`begun ${meanAndMax(lateness, "ns")} late, ${count(late)} by more than 100 µs`]),
    ...(vector === undefined
      ? ["no interrupt seen to follow"]
      : [`interrupt 0x${vector.toString(16)} (${shownBy})`]),
    ...(local.count === 0 ? [] : [`${count(local.count)} on its CPU, ${meanAndMax(local, unit)} after`]),
    ...(remote.count === 0 ? [] : [`${count(remote.count)} on another, ${meanAndMax(remote, unit)} after`]),
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
            `preemption timer armed ${times(hv)}, hrtimer ${times(sw)}; ${count(hvToSw)} switches to the hrtimer, ${count(swToHv)} back`,
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
  { text, order, unattributed }: LogFindings,
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
      : [`${count(order.outOfOrder)} events were far from their place in time.`]),
    ...(order.duplicates === 0 ? [] : [`${count(order.duplicates)} events stood there twice.`]),
    ...(unattributed === 0
      ? []
      : [`${count(unattributed)} expiries of guests' timers could not be told to be any vCPU's.`]),
  ];
  if (skipped.length === 0 && notes.length === 0) return [];
  return [
    INDENT + style.heading("Not read"),
    ...skipped.flatMap((reason) => {
      const { count: lines, examples } = text.skipped[reason];
      return [
        ...hang("", `${count(lines)} lines: ${SKIP_TEXTS[reason]}`, 4, width),
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
