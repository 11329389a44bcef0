const BYTES_PER_UNIT = 1_000;
const UNITS = ["bytes", "kB", "MB", "GB"] as const;

/** The size of a file for reading: `12.3 MB`. */
export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  for (; size >= BYTES_PER_UNIT && unit < UNITS.length - 1; unit++) size /= BYTES_PER_UNIT;
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
}
