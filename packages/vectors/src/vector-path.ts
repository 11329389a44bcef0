import type { VectorFile } from "./vector-files.js";

/**
 * The module path of a file's rows, for `import.meta.resolve` or `require.resolve`.
 *
 * The package itself reads nothing, so that it also loads where there is no file system.
 *
 * @param file - an entry of `vectorFiles`, or any area and file name of the same layout
 * @returns a sub-path export of this package, ending in `.jsonl`
 * @throws TypeError when `area` or `file` is not a name: empty, or with a slash or a dot in it.
 * @example
 * vectorPath({ area: "math", file: "mul_u64_u32_shr" }) // => '@chronovisor/vectors/data/math/mul_u64_u32_shr.jsonl'
 */
export function vectorPath(file: Pick<VectorFile, "area" | "file">): string {
  for (const part of ["area", "file"] as const) {
    if (!/^[\w-]+$/.test(file[part])) {
      throw new TypeError(
        `vectorPath: expected ${part} to be a plain name, got ${JSON.stringify(file[part])}`,
      );
    }
  }
  return `@chronovisor/vectors/data/${file.area}/${file.file}.jsonl`;
}
