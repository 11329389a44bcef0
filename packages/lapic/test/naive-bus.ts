import type { ApicBusOptions, ApicIdentity, ApicMessage } from "../src/index.js";
import type { FakeApic } from "./fake-apic.js";

/**
 * Who gets a message when every processor decides for itself, written over sets and strings instead of masks. Vectors pick
 * lowest-priority targets. Returns the position of each target, undefined when no processor is one.
 */
export function naiveTargets(
  apics: readonly FakeApic[],
  message: ApicMessage,
  sender: FakeApic | undefined,
  quirk: NonNullable<ApicBusOptions["broadcastQuirk"]>,
): readonly number[] | undefined {
  const listening = apics.filter(({ identity }) => identity.mode !== "disabled");
  const matching = listening.filter((apic) => {
    if (message.shorthand === "self") return apic === sender;
    if (message.shorthand === "all") return true;
    if (message.shorthand === "all-but-self") return apic !== sender;
    return namedBy(apic.identity, message, quirk);
  });
  const toEverybody = message.destinationMode === "physical" && message.destination === 255;
  const picksOne =
    message.redirectionHint === "lowest-priority" || (message.deliveryMode === 1 && !toEverybody);
  if (message.shorthand === "self" || !picksOne)
    return matching.length === 0 ? undefined : matching.map((apic) => apics.indexOf(apic));
  const enabled = matching.filter(({ identity }) => identity.swEnabled);
  const picked = enabled[message.vector % enabled.length];
  return picked === undefined ? undefined : [apics.indexOf(picked)];
}

function namedBy(apic: ApicIdentity, message: ApicMessage, quirk: "on" | "off"): boolean {
  const isX2apic = apic.mode === "x2apic";
  const everyone = isX2apic ? [0xffff_ffff] : [0xff];
  if (isX2apic && message.source !== "ipi" && quirk === "on") everyone.push(0xff);
  if (everyone.includes(message.destination)) return true;
  if (message.destinationMode === "physical") {
    if (isX2apic) return message.destination === apic.id;
    return message.destination <= 255
      ? message.destination === apic.xapicId
      : message.destination === apic.id;
  }
  const ldr = hex(apic.ldr);
  const wanted = hex(message.destination);
  if (isX2apic) return ldr.slice(0, 4) === wanted.slice(0, 4) && shareBit(ldr.slice(4), wanted.slice(4));
  if (hex(apic.dfr) === "ffffffff") return shareBit(ldr.slice(0, 2), wanted.slice(6));
  if (hex(apic.dfr) !== "0fffffff") return false;
  return wanted.slice(0, 7) === `000000${ldr.slice(0, 1)}` && shareBit(ldr.slice(1, 2), wanted.slice(7));
}

const hex = (value: number): string => value.toString(16).padStart(8, "0");

function shareBit(left: string, right: string): boolean {
  const bits = (digits: string): readonly string[] => [
    ...Number.parseInt(digits, 16).toString(2).padStart(16, "0"),
  ];
  const others = bits(right);
  return bits(left).some((bit, place) => bit === "1" && others[place] === "1");
}
