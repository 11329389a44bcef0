import type { ApicBusNode } from "./apic-bus-node.js";
import { type ApicMessage, DELIVERY_MODE_FIXED } from "./apic-message.js";
import { type DestinationMap, logicalTargets } from "./destination-map.js";
import { leastPickedIndex, selectsOne, type VectorHashing, vectorHashIndex } from "./lowest-priority.js";
import {
  type BroadcastQuirk,
  matchesMessage,
  X2APIC_BROADCAST,
  XAPIC_BROADCAST,
} from "./match-destination.js";

/*
 * From a message to the APICs that get it (`__kvm_irq_delivery_to_apic`): by the destination map where it has an answer,
 * by asking every APIC where not. Both end in a list of indices; what happens to the interrupt there is each APIC's.
 */

/** How targets are found and picked. */
export interface ApicBusRules {
  readonly vectorHashing: VectorHashing;
  readonly broadcastQuirk: BroadcastQuirk;
}

/** The targets of a message. */
export interface Selection {
  /** Indices; a disabled APIC is never among them. */
  readonly targets: readonly number[];
  readonly deliveryMode: number;
  /** What the bus answers when no target was found: 0 from the map, −1 when every APIC was asked. */
  readonly whenNone: 0 | -1;
}

/**
 * The APICs that `message` selects; `sender` is the index of the one that sent it, undefined for a device. Without a map
 * every APIC is asked.
 */
export function selectTargets(
  message: ApicMessage,
  sender: number | undefined,
  nodes: readonly ApicBusNode[],
  map: DestinationMap | undefined,
  rules: ApicBusRules,
): Selection {
  if (message.shorthand === "self") {
    return found(message, sender === undefined ? [] : [sender]);
  }
  const byMap = map && selectByMap(message, sender, nodes, map, rules);
  return byMap === undefined ? selectByScan(message, sender, nodes, rules) : found(message, byMap);
}

const found = (message: ApicMessage, targets: readonly number[]): Selection => ({
  targets,
  deliveryMode: message.deliveryMode,
  whenNone: 0,
});

function selectByMap(
  message: ApicMessage,
  sender: number | undefined,
  nodes: readonly ApicBusNode[],
  map: DestinationMap,
  rules: ApicBusRules,
): readonly number[] | undefined {
  if (message.shorthand !== "none") return undefined;
  const senderMode = sender === undefined ? undefined : nodes[sender]?.identity.mode;
  if (isBroadcast(message, senderMode, map, rules.broadcastQuirk)) return undefined;
  if (message.destinationMode === "physical") {
    const target = map.physical.get(message.destination);
    return target === undefined ? [] : [target];
  }
  const targets = logicalTargets(map, message.destination);
  if (targets === undefined) return undefined;
  if (!selectsOne(message)) return targets.filter((target) => target !== undefined);
  if (targets.length === 0) return [];
  if (rules.vectorHashing === "off") return pickLeast(present(targets), nodes);
  const picked = targets[vectorHashIndex(message.vector, targets.length)];
  return picked === undefined ? [] : [picked];
}

/** Whether the map leaves a destination to the APICs, because it may be a broadcast to some of them. */
function isBroadcast(
  { destination }: ApicMessage,
  senderMode: string | undefined,
  map: DestinationMap,
  quirk: BroadcastQuirk,
): boolean {
  if (quirk === "on") return destination === (senderMode === "x2apic" ? X2APIC_BROADCAST : XAPIC_BROADCAST);
  return (
    destination === X2APIC_BROADCAST || (destination === XAPIC_BROADCAST && map.logicalMode !== "x2apic")
  );
}

function selectByScan(
  message: ApicMessage,
  sender: number | undefined,
  nodes: readonly ApicBusNode[],
  rules: ApicBusRules,
): Selection {
  const matching: number[] = [];
  for (const [index, { identity }] of nodes.entries()) {
    const relation = index === sender ? "sender" : "other";
    if (identity.mode !== "disabled" && matchesMessage(identity, message, relation, rules.broadcastQuirk))
      matching.push(index);
  }
  const deliveryMode = scanDeliveryMode(message);
  if (!selectsOne({ ...message, deliveryMode })) return { targets: matching, deliveryMode, whenNone: -1 };
  const candidates = matching.filter((index) => nodes[index]?.identity.swEnabled);
  return {
    targets: pickOne(message, candidates, nodes, rules.vectorHashing),
    deliveryMode,
    whenNone: -1,
  };
}

/**
 * Lowest priority to 0xff, physically, becomes fixed before anyone is asked, and so reaches all; with the redirection hint
 * any mode does, an NMI too, and the hint still selects one (docs/model/lapic §6.2, §12.2).
 */
function scanDeliveryMode(message: ApicMessage): number {
  const broadcast = message.destinationMode === "physical" && message.destination === XAPIC_BROADCAST;
  return broadcast && selectsOne(message) ? DELIVERY_MODE_FIXED : message.deliveryMode;
}

function pickOne(
  message: ApicMessage,
  candidates: readonly number[],
  nodes: readonly ApicBusNode[],
  hashing: VectorHashing,
): readonly number[] {
  if (candidates.length === 0) return [];
  if (hashing === "off") return pickLeast(candidates, nodes);
  return candidates.slice(vectorHashIndex(message.vector, candidates.length)).slice(0, 1);
}

function pickLeast(candidates: readonly number[], nodes: readonly ApicBusNode[]): readonly number[] {
  if (candidates.length === 0) return [];
  const best = leastPickedIndex(candidates.map((index) => nodes[index]?.arbitrationPriority ?? 0));
  return candidates.slice(best, best + 1);
}

const present = (targets: readonly (number | undefined)[]): readonly number[] =>
  targets.filter((target) => target !== undefined);
