import type { DocumentHostOptions, DocumentVmOptions } from "../../machine/document-machine.js";
import type { MachineDocument } from "./machine-document.js";

/** Which machine a document asks for, with everything in place that it left to defaults. */
export interface MachineLayout {
  readonly host: DocumentHostOptions;
  readonly vm: DocumentVmOptions;
}

/** The host CPU of each vCPU: its own, or the first that no other asked for or has. */
export function placements(vcpus: readonly { readonly cpu?: number | undefined }[]): readonly number[] {
  const taken = new Set(vcpus.flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu])));
  return vcpus.map(({ cpu }) => {
    if (cpu !== undefined) return cpu;
    let free = 0;
    while (taken.has(free)) free += 1;
    taken.add(free);
    return free;
  });
}

/** The layout of a document whose parts fit together. */
export function layoutOf({ host, vms: [vm], timeline }: MachineDocument): MachineLayout {
  if (vm === undefined) throw new Error("layoutOf: expected a VM");
  const cpus = placements(vm.vcpus);
  const moves = timeline.flatMap((action) => (action.do === "move-vcpu" ? [action.cpu] : []));
  const needed = [...cpus, ...moves].reduce((most, cpu) => Math.max(most, cpu + 1), 1);
  const { vendor, scaling, apicv, tsc = host.tsc } = vm;
  return { host: { ...host, cpus: host.cpus ?? needed }, vm: { tsc, vendor, scaling, apicv, cpus } };
}
