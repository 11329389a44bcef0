import { checkInteger, checkOneOf, checkU32, checkVector } from "../arguments.js";
import type { ApicMessage } from "./apic-message.js";

const LEVELS: readonly ApicMessage["level"][] = ["asserted", "deasserted"];
const TRIGGERS: readonly ApicMessage["trigger"][] = ["edge", "level"];
const DESTINATION_MODES: readonly ApicMessage["destinationMode"][] = ["physical", "logical"];
const SHORTHANDS: readonly ApicMessage["shorthand"][] = ["none", "self", "all", "all-but-self"];
const SOURCES: readonly ApicMessage["source"][] = ["ipi", "msi", "ioapic"];
const HINTS: readonly ApicMessage["redirectionHint"][] = [undefined, "none", "lowest-priority"];

/** Throws unless every field of `message` is in its domain. */
export function checkMessage(fn: string, message: ApicMessage): void {
  checkVector(fn, message.vector);
  checkInteger(fn, "deliveryMode", message.deliveryMode, 0, 7);
  checkOneOf(fn, "level", message.level, LEVELS);
  checkOneOf(fn, "trigger", message.trigger, TRIGGERS);
  checkOneOf(fn, "destinationMode", message.destinationMode, DESTINATION_MODES);
  checkU32(fn, "destination", message.destination);
  checkOneOf(fn, "shorthand", message.shorthand, SHORTHANDS);
  checkOneOf(fn, "source", message.source, SOURCES);
  checkOneOf(fn, "redirectionHint", message.redirectionHint, HINTS);
}
