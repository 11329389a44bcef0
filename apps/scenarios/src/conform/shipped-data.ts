import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The directory of the rows published as `@chronovisor/vectors`.
 *
 * Found through that package's manifest, so that it is the same from source, from the build and once installed.
 */
export function shippedDataDirectory(): string {
  const manifest = createRequire(import.meta.url).resolve("@chronovisor/vectors/package.json");
  return join(dirname(manifest), "data");
}
