import { formatInput } from "../../units/format-exact.js";
import type { DocumentPath, DocumentSource } from "../source.js";
import { placements } from "./layout.js";
import type { MachineDocument, ObservationFields } from "./machine-document.js";
import { quantityRule } from "./quantities.js";
import type { TimelineAction } from "./timeline-fields.js";

/** A guest TSC further below the host's than this many ppm needs scaling (tsc_tolerance_ppm). */
const TOLERANCE_PPM = 250n;

/**
 * What no schema says: that the parts of a document fit each other.
 *
 * @throws ChronovisorError at the first part that does not.
 */
export function checkMachine(source: DocumentSource, document: MachineDocument): void {
  checkVm(source, document);
  checkPlaces(source, document);
  document.timeline.forEach((action, i) => {
    checkAction(source, document, action, ["timeline", i]);
  });
  checkMoves(source, document);
  const names = Object.entries(document.observe);
  if (names.length === 0) throw source.error(["observe"], "expected one observation or more, got none");
  for (const [name, observation] of names) checkObservation(source, document, name, observation);
}

function vcpusOf({
  vms: [vm],
}: MachineDocument): readonly { readonly program: string; readonly cpu?: number | undefined }[] {
  return vm?.vcpus ?? [];
}

function checkVm(source: DocumentSource, { host, vms: [vm] }: MachineDocument): void {
  if (vm?.tsc === undefined || vm.scaling === "present") return;
  const lowest = host.tsc - (host.tsc * TOLERANCE_PPM) / 1_000_000n;
  if (vm.tsc >= lowest) return;
  throw source.error(
    ["vms", 0, "tsc"],
    `expected ${formatInput(lowest, "kHz")} or more where the hardware does not scale the TSC, got ${source.textAt(["vms", 0, "tsc"])}`,
  );
}

function checkPlaces(source: DocumentSource, document: MachineDocument): void {
  const { cpus } = document.host;
  const places = placements(vcpusOf(document));
  places.forEach((cpu, vcpu) => {
    const path: DocumentPath = ["vms", 0, "vcpus", vcpu, "cpu"];
    if (cpus !== undefined && cpu >= cpus)
      throw source.error(path, `expected one of the host's ${cpus} CPUs, counted from 0, got ${cpu}`);
    const other = places.indexOf(cpu);
    if (other < vcpu)
      throw source.error(path, `expected a CPU of its own, got ${cpu}, where vCPU ${other} is`);
  });
}

function checkVcpu(
  source: DocumentSource,
  document: MachineDocument,
  vcpu: number,
  path: DocumentPath,
): void {
  const count = vcpusOf(document).length;
  if (vcpu < count) return;
  throw source.error(path, `expected one of the VM's ${count} vCPUs, counted from 0, got ${vcpu}`);
}

function checkWithin(
  source: DocumentSource,
  { duration }: MachineDocument,
  ns: bigint,
  path: DocumentPath,
): void {
  if (ns <= duration) return;
  throw source.error(
    path,
    `expected an end within the duration, ${formatInput(duration, "ns")}, got ${formatInput(ns, "ns")}`,
  );
}

function checkAction(
  source: DocumentSource,
  document: MachineDocument,
  action: TimelineAction,
  path: DocumentPath,
): void {
  checkWithin(source, document, action.at, [...path, "at"]);
  if ("for" in action) checkWithin(source, document, action.at + action.for, [...path, "for"]);
  if ("vcpu" in action && action.vcpu !== undefined) {
    checkVcpu(source, document, action.vcpu, [...path, "vcpu"]);
  }
  if (action.do === "set-clock" && (action.to === undefined) === (action.by === undefined)) {
    throw source.error(
      path,
      `expected to or by, one of them, got ${action.to === undefined ? "neither" : "both"}`,
    );
  }
}

/** Places of the timeline's actions in the order in which they happen. */
export function inOrder(timeline: readonly TimelineAction[]): readonly number[] {
  const at = (i: number): bigint => timeline[i]?.at ?? 0n;
  return timeline.map((_, i) => i).sort((a, b) => (at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : a - b));
}

/** A vCPU's thread can only go to a CPU that no other one is on by then. */
function checkMoves(source: DocumentSource, document: MachineDocument): void {
  const { timeline, host } = document;
  const places = [...placements(vcpusOf(document))];
  for (const i of inOrder(timeline)) {
    const action = timeline[i];
    if (action?.do !== "move-vcpu") continue;
    const { vcpu, cpu } = action;
    const path: DocumentPath = ["timeline", i, "cpu"];
    if (host.cpus !== undefined && cpu >= host.cpus) {
      throw source.error(path, `expected one of the host's ${host.cpus} CPUs, counted from 0, got ${cpu}`);
    }
    const there = places.indexOf(cpu);
    if (there >= 0 && there !== vcpu) {
      throw source.error(
        path,
        `expected a CPU that no vCPU is on by then, got ${cpu}, where vCPU ${there} is`,
      );
    }
    places[vcpu] = cpu;
  }
}

function checkObservation(
  source: DocumentSource,
  document: MachineDocument,
  name: string,
  { quantity, vcpu, at }: ObservationFields,
): void {
  const path: DocumentPath = ["observe", name];
  const rule = quantityRule(quantity);
  if (at !== undefined) checkWithin(source, document, at, [...path, "at"]);
  if (rule.of === "machine") {
    if (vcpu === undefined) return;
    throw source.error([...path, "vcpu"], `expected none: ${quantity} is of the whole machine, got ${vcpu}`);
  }
  const vcpus = vcpusOf(document);
  if (vcpu === undefined && vcpus.length > 1) {
    throw source.error(
      [...path, "vcpu"],
      `expected one of the VM's ${vcpus.length} vCPUs, counted from 0, got nothing`,
    );
  }
  if (vcpu !== undefined) checkVcpu(source, document, vcpu, [...path, "vcpu"]);
  const { program = "" } = vcpus[vcpu ?? 0] ?? {};
  if (rule.programs === undefined || rule.programs.includes(program)) return;
  throw source.error(
    [...path, "quantity"],
    `expected a vCPU that runs ${rule.programs.join(" or ")}, got ${quantity} of one that runs ${program}`,
  );
}
