import { createHash } from "node:crypto";
import type { TextDigest } from "@chronovisor/trace";

/** SHA-256 of text as UTF-8. */
export function sha256(): TextDigest {
  const hash = createHash("sha256");
  return {
    update: (text) => {
      hash.update(text, "utf8");
    },
    hex: () => hash.digest("hex"),
  };
}
