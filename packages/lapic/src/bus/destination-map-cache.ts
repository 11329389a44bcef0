import type { ApicIdFormat } from "../icr/msi.js";
import type { ApicBusNode } from "./apic-bus-node.js";
import type { ApicMode } from "./apic-identity.js";
import { type BuiltDestinationMap, buildDestinationMap } from "./destination-map.js";

const MODE_NUMBER: Readonly<Record<ApicMode, number>> = { disabled: 0, xapic: 1, x2apic: 2 };
const SW_ENABLED = 4;
/** Words kept of each APIC: mode with the software enable, ID, xAPIC ID, LDR, DFR. */
const WORDS = 5;

/**
 * The map of a bus's APICs, made anew when an identity differs from what the last one was made of. KVM marks its map dirty
 * at every write that could change it; looking instead costs 10 ns per APIC, and no APIC has to tell.
 */
export class DestinationMapCache {
  readonly #format: ApicIdFormat;
  #seen: Uint32Array = new Uint32Array(0);
  #built: BuiltDestinationMap | undefined;

  constructor(format: ApicIdFormat) {
    this.#format = format;
  }

  /** What `buildDestinationMap` says of the identities now. */
  of(nodes: readonly ApicBusNode[]): BuiltDestinationMap {
    if (!this.#matches(nodes) || this.#built === undefined) {
      this.#built = buildDestinationMap(
        nodes.map((node) => node.identity),
        this.#format,
      );
    }
    return this.#built;
  }

  /** Whether nothing has changed; takes the change over when something has. */
  #matches(nodes: readonly ApicBusNode[]): boolean {
    let isSame = this.#seen.length === nodes.length * WORDS;
    if (!isSame) this.#seen = new Uint32Array(nodes.length * WORDS);
    const seen = this.#seen;
    let at = 0;
    for (const { identity } of nodes) {
      const modeWord = MODE_NUMBER[identity.mode] + (identity.swEnabled ? SW_ENABLED : 0);
      const { id, xapicId, ldr, dfr } = identity;
      if (
        seen[at] !== modeWord ||
        seen[at + 1] !== id ||
        seen[at + 2] !== xapicId ||
        seen[at + 3] !== ldr ||
        seen[at + 4] !== dfr
      ) {
        isSame = false;
        seen[at] = modeWord;
        seen[at + 1] = id;
        seen[at + 2] = xapicId;
        seen[at + 3] = ldr;
        seen[at + 4] = dfr;
      }
      at += WORDS;
    }
    return isSame;
  }
}
