import { formatExact } from "../../units/format-exact.js";
import type { MachineDocument, ObservationFields } from "./machine-document.js";
import { quantityRule } from "./quantities.js";

/** What an observation is called on a screen. */
export function observationTitle(
  { vms: [vm] }: MachineDocument,
  { quantity, vcpu = 0, at }: ObservationFields,
): string {
  const rule = quantityRule(quantity);
  const isOneOfMany = rule.of === "vcpu" && (vm?.vcpus.length ?? 0) > 1;
  return `${rule.title}${isOneOfMany ? `, vCPU ${vcpu}` : ""}${at === undefined ? "" : `, at ${formatExact(at, "ns")}`}`;
}

/** What the machine is, in a sentence or two. */
export function machineStory({ host, vms: [vm], timeline }: MachineDocument): string {
  const vcpus = vm?.vcpus ?? [];
  const count = vcpus.length === 1 ? "one vCPU" : `${vcpus.length} vCPUs`;
  const programs = [...new Set(vcpus.map(({ program }) => program))].join(", ");
  const clock = host.ntp === 0n ? "" : `, its clock held at ${formatExact(host.ntp, "ppb")}`;
  const happens = [...new Set(timeline.map((action) => action.do))].join(", ");
  return [
    `A host of ${formatExact(host.tsc, "kHz")}${clock}, and a VM of ${count} on it: ${programs}.`,
    ...(happens === "" ? [] : [`What happens to it: ${happens}.`]),
  ].join(" ");
}
