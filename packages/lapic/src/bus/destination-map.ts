import type { ApicIdFormat } from "../icr/msi.js";
import type { ApicIdentity } from "./apic-identity.js";
import { isFlat, xapicLogicalId } from "./match-destination.js";

/*
 * KVM's optimised map (`kvm_recalculate_apic_map`): APIC IDs to vCPUs, so that a message need not ask all. It answers as
 * asking all would, but for what docs/model/lapic §6.2 lists, and what a guest can see of it is why it is modelled:
 *
 * - Two APICs of one ID: with 8-bit IDs there is no map; with 32-bit IDs the first owner alone gets the message.
 * - Logical destinations are mapped while all software-enabled APICs with an LDR agree on the mode and no xAPIC logical
 *   ID is shared or has two bits. xAPICs that are software disabled are not in them.
 * - With 8-bit IDs an APIC in xAPIC mode is found by its xAPIC ID only, not by an x2APIC ID above 0xff.
 * - A broadcast is left to the APICs, but it is known by its sender: 0xffffffff of an x2APIC, 0xff of all others.
 * - x2APIC logical destinations are the physical map by cluster, software-disabled APICs and holes included: a lowest
 *   priority interrupt whose vector picks a hole is dropped.
 */

/** Room for every xAPIC ID. */
const SMALLEST_MAX_ID = 0xff;

/** The logical mode the software-enabled APICs agree on; `unused` while there is none, `unmapped` when they do not. */
export type MapLogicalMode = "unused" | "flat" | "cluster" | "x2apic" | "unmapped";

/** Why APICv is off for a whole VM, of KVM's reasons that follow from APIC IDs (APICV_INHIBIT_REASON_*). */
export type ApicMapInhibit = "PHYSICAL_ID_ALIASED" | "LOGICAL_ID_ALIASED" | "APIC_ID_MODIFIED";

/** The optimised map of the APICs connected to one bus, by their index. */
export interface DestinationMap {
  /** The highest ID with room in the map, at least 255. */
  readonly maxApicId: number;
  readonly physical: ReadonlyMap<number, number>;
  readonly logicalMode: MapLogicalMode;
  /** Eight entries in flat mode, sixteen clusters of four in cluster mode; undefined for a hole. */
  readonly logical: readonly (number | undefined)[];
}

/** A destination map, if there can be one, and what its making found. */
export interface BuiltDestinationMap {
  readonly map: DestinationMap | undefined;
  /** In the order of {@link ApicMapInhibit}. */
  readonly inhibits: readonly ApicMapInhibit[];
}

/** One entry per bit of a logical destination, lowest first; undefined for a hole. */
export type LogicalTargets = readonly (number | undefined)[];

/**
 * The map of `apics`, in the order of the vCPUs; the disabled ones are left out.
 *
 * @param apics - every local APIC of the VM.
 * @param format - with 8-bit IDs an ID that two hold rules the map out.
 * Source: `kvm_recalculate_apic_map`; docs/model/lapic §2 and §6.2.
 *
 * @example
 * const apic = { mode: "x2apic" as const, id: 7, xapicId: 0, ldr: 0x80, dfr: 0xffffffff, swEnabled: true };
 * buildDestinationMap([apic], "8-bit").map?.physical.get(7) // => 0
 * buildDestinationMap([apic, apic], "8-bit").inhibits // => [ 'PHYSICAL_ID_ALIASED', 'LOGICAL_ID_ALIASED' ]
 */
export function buildDestinationMap(
  apics: readonly ApicIdentity[],
  format: ApicIdFormat,
): BuiltDestinationMap {
  const physical = new Map<number, number>();
  const logical = new LogicalMap();
  let maxApicId = SMALLEST_MAX_ID;
  let modified = false;
  let aliased = false;
  for (const [index, apic] of apics.entries()) {
    if (apic.mode === "disabled") continue;
    maxApicId = Math.max(maxApicId, apic.id);
    modified ||= apic.mode === "xapic" && apic.xapicId !== (apic.id & 0xff);
    aliased = !mapPhysical(physical, apic, index, format);
    // The kernel stops here, so an APIC behind the one that shares its ID is not looked at, not even for a modified ID.
    if (aliased) break;
    logical.add(apic, index);
  }
  const inhibits: ApicMapInhibit[] = [];
  if (aliased) inhibits.push("PHYSICAL_ID_ALIASED");
  if (aliased || logical.mode === "unmapped") inhibits.push("LOGICAL_ID_ALIASED");
  if (modified) inhibits.push("APIC_ID_MODIFIED");
  const map = { maxApicId, physical, logicalMode: logical.mode, logical: logical.targets };
  return { map: aliased ? undefined : map, inhibits };
}

/** Enters one APIC; false when its ID is taken and may not be. */
function mapPhysical(
  physical: Map<number, number>,
  apic: ApicIdentity,
  index: number,
  format: ApicIdFormat,
): boolean {
  const isX2apic = apic.mode === "x2apic";
  if (format === "8-bit") {
    const id = isX2apic ? apic.id : apic.xapicId;
    if (physical.has(id)) return false;
    physical.set(id, index);
    return true;
  }
  if (isX2apic || apic.id > 0xff) physical.set(apic.id, index);
  if (!isX2apic && !physical.has(apic.xapicId)) physical.set(apic.xapicId, index);
  return true;
}

/**
 * The targets of a logical destination by the map; undefined where it has no answer and every APIC has to be asked.
 *
 * @param map - a destination map.
 * @param destination - u32, no broadcast.
 * Source: `kvm_apic_map_get_logical_dest`; docs/model/lapic §6.2.
 *
 * @example
 * const apic = { mode: "xapic" as const, id: 0, xapicId: 0, ldr: 0x02000000, dfr: 0xffffffff, swEnabled: true };
 * const { map } = buildDestinationMap([apic], "8-bit");
 * map && logicalTargets(map, 0x0e) // => [ 0, undefined, undefined ]
 */
export function logicalTargets(map: DestinationMap, destination: number): LogicalTargets | undefined {
  switch (map.logicalMode) {
    case "unmapped":
      return undefined;
    case "unused":
      return [];
    case "flat":
      return selectBits(destination & 0xff, (bit) => map.logical[bit]);
    case "cluster": {
      const first = ((destination >>> 4) & 0xf) * 4;
      return selectBits(destination & 0xf, (bit) => map.logical[first + bit]);
    }
    case "x2apic": {
      const first = (destination >>> 16) * 16;
      // Places beyond the last ID are no holes: they do not count where a vector picks.
      const places = Math.min(Math.max(map.maxApicId - first + 1, 0), 16);
      return selectBits(destination & ((1 << places) - 1), (bit) => map.physical.get(first + bit));
    }
  }
}

function selectBits(mask: number, targetOf: (bit: number) => number | undefined): LogicalTargets {
  const targets: (number | undefined)[] = [];
  for (let rest = mask; rest !== 0; rest &= rest - 1) targets.push(targetOf(31 - Math.clz32(rest & -rest)));
  return targets;
}

/** The logical part of a map while it is made. */
class LogicalMap {
  mode: MapLogicalMode = "unused";
  readonly targets: (number | undefined)[] = [];

  add(apic: ApicIdentity, index: number): void {
    if (this.mode === "unmapped" || !apic.swEnabled || apic.ldr === 0) return;
    const mode = apic.mode === "x2apic" ? "x2apic" : isFlat(apic.dfr) ? "flat" : "cluster";
    if (this.mode === "unused") this.mode = mode;
    if (this.mode !== mode) this.mode = "unmapped";
    else if (mode !== "x2apic") this.#addXapic(xapicLogicalId(apic.ldr), index);
  }

  #addXapic(logicalId: number, index: number): void {
    const isCluster = this.mode === "cluster";
    const bits = isCluster ? logicalId & 0xf : logicalId;
    if (bits === 0) return;
    const place = (isCluster ? (logicalId >>> 4) * 4 : 0) + 31 - Math.clz32(bits);
    if ((bits & (bits - 1)) !== 0 || this.targets[place] !== undefined) this.mode = "unmapped";
    else this.targets[place] = index;
  }
}
