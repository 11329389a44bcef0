import type { TextDigest } from "../src/json-lines/text-digest.js";

/** FNV-1a of 64 bits over UTF-16 units: enough to tell one changed character, and needs no platform. */
export function checksum(): TextDigest {
  let hash = 0xcbf29ce484222325n;
  return {
    update: (text) => {
      for (let i = 0; i < text.length; i++) {
        hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
      }
    },
    hex: () => hash.toString(16).padStart(16, "0"),
  };
}
