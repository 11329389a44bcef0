import { type Diagnosis, diagnose, type RemoteDelivery } from "../trace-analysis/diagnosis.js";
import type { TraceFindings } from "../trace-analysis/findings.js";
import type { MasterClockChange, MasterClockReason } from "../trace-analysis/master-clock-watch.js";
import { formatQuantity } from "../units/format-quantity.js";
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
  vcpuText,
} from "./log-quantities.js";
import type { Style } from "./style.js";
import { hang, wrap } from "./wrap.js";

const INDENT = "  ";

const REMOTE_OUTCOMES: Readonly<Record<RemoteDelivery, string>> = {
  waited: "Nothing made the vCPU leave the guest then: it got the interrupt at its next exit",
  kicked: "The vCPU was kicked out of the guest for it at once",
  woken: "The vCPU was not in the guest then, and was woken",
};

const REASONS: Readonly<Record<MasterClockReason, string>> = {
  "host-clocksource": "the host's clocksource is not the TSC",
  "unmatched-tsc": "the TSCs of its vCPUs are not in step",
  "old-kvmclock": "its boot vCPU has the old interface of kvmclock (MSR 0x12)",
  "host-tsc-backwards": "the TSC of a host CPU went back, as over a suspend",
  other:
    "clocksource and TSCs were in order, so a host CPU's TSC went back, or the boot vCPU has a kvmclock of the old interface",
};

/** What a log comes to: a sentence or two for each behaviour, and how to see it again. */
export function diagnosisLines(findings: TraceFindings, style: Style, width: number): readonly string[] {
  const diagnoses = diagnose(findings);
  if (diagnoses.length === 0) {
    return wrap("Nothing in it is out of order, as far as it goes.", width - 2).map((line) => INDENT + line);
  }
  return diagnoses.flatMap((diagnosis) => [
    ...hang(`${INDENT}◆`, diagnosisText(diagnosis, findings.log.unit), 4, width).map((line, i) =>
      i === 0 ? style.differs(line) : line,
    ),
    ...("story" in diagnosis
      ? [style.aside(`    reproduce it: chronovisor compare ${storiesOf(diagnosis)}`)]
      : []),
  ]);
}

function storiesOf(diagnosis: Extract<Diagnosis, { story: string }>): string {
  const other = "orStory" in diagnosis ? diagnosis.orStory : undefined;
  return other === undefined ? diagnosis.story : `${diagnosis.story}, or ${other}`;
}

function diagnosisText(diagnosis: Diagnosis, unit: LogUnit): string {
  switch (diagnosis.kind) {
    case "master-clock-off":
      return masterClockText(diagnosis.change, unit);
    case "remote-timer": {
      const { vcpu, timer, delivery, local, remote } = diagnosis;
      const all = local.count + remote.count;
      const elsewhere = `${count(remote.count)} of ${counted(all, "expiry", "expiries")} ${remote.count === 1 ? "was" : "were"} on another CPU than the interrupt that followed, ${meanAndMax(remote, unit)} before it`;
      const here = local.count === 0 ? "" : ` (on its own CPU: ${meanAndMax(local, unit)})`;
      return `${vcpuText(vcpu)}: the ${TIMER_NAMES[timer]} is not pinned: ${elsewhere}${here}. ${REMOTE_OUTCOMES[delivery]}.`;
    }
    case "xen-timer-pace": {
      const sign = diagnosis.ppt > 0n ? "late" : "early";
      return `${vcpuText(diagnosis.vcpu)}: its Xen timers are timed by the host's clock, not by its own: they come ${rate(diagnosis.ppt)} of the time since its clock was set too ${sign}.`;
    }
    case "timer-behind":
      return `${vcpuText(diagnosis.vcpu)}: the ${TIMER_NAMES[diagnosis.timer]} ${behindText(diagnosis)}: ${counted(diagnosis.behind, "expiry", "expiries")} a period or more after their time.`;
    case "late-expiries":
      return `${vcpuText(diagnosis.vcpu)}: ${counted(diagnosis.late, "expiry", "expiries")} of the ${TIMER_NAMES[diagnosis.timer]} more than 100 µs late, the worst ${ns(diagnosis.worstNs)}.`;
    case "lost-ticks":
      return `${vcpuText(diagnosis.vcpu)}: ${lostText(diagnosis)}`;
    case "clock-drift": {
      const how = diagnosis.ppt > 0n ? "gains" : "loses";
      return `${vcpuText(diagnosis.vcpu)}: between updates its kvmclock ${how} ${rate(diagnosis.ppt)} on the host's clock, over ${ns(diagnosis.overNs)}.`;
    }
    case "clock-jumps": {
      const { vcpu, jumps } = diagnosis;
      const [worst] = jumps.worst;
      const where = worst === undefined ? "" : `${change(worst.value)} at ${instant(worst.time, unit)}`;
      const jumped = jumps.count === 1 ? "once: " : `${count(jumps.count)} times, the furthest `;
      return `${vcpuText(vcpu)}: its kvmclock jumped ${jumped}${where}.`;
    }
    case "tsc-moves": {
      const { vcpu, moves } = diagnosis;
      const [worst] = moves.worst;
      if (worst === undefined) return "";
      const by = `${cycles(worst.value < 0n ? -worst.value : worst.value)} ${worst.value < 0n ? "back" : "forward"} at ${instant(worst.time, unit)}`;
      const moved = moves.count === 1 ? `by ${by}` : `${count(moves.count)} times, the furthest by ${by}`;
      return `${vcpuText(vcpu)}: its TSC was moved ${moved}, and its kvmclock did not jump with it.`;
    }
    case "offsets-apart":
      return `TSC offsets differ between vCPUs, by up to ${cycles(diagnosis.most - diagnosis.least)}.`;
  }
}

function behindText({ cause, worstNs }: Extract<Diagnosis, { kind: "timer-behind" }>): string {
  switch (cause) {
    case "held-up":
      return `was held up for ${ns(worstNs)} and caught up`;
    case "while-expiring":
      return `went on expiring while it fell ${ns(worstNs)} behind, and caught up`;
    case "unknown":
      return `was ${ns(worstNs)} behind and caught up; whether it expired meanwhile cannot be told`;
  }
}

function lostText({ timer, merged, skipped }: Extract<Diagnosis, { kind: "lost-ticks" }>): string {
  const parts = [
    ...(merged > 0
      ? [`${counted(merged, "tick")} came before the interrupt of an earlier one was delivered`]
      : []),
    ...(skipped > 0n ? [`${counted(skipped, "period")} went by without one`] : []),
  ];
  return `the guest did not get all ticks of the ${TIMER_NAMES[timer]}: ${parts.join("; ")}.`;
}

function masterClockText(
  { time, reason, suspect, matched, hostClock, comm, pid }: MasterClockChange,
  unit: LogUnit,
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
