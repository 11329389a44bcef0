/** Characters of a line at most: a guest's remark may be long, but a file without an end must not fill the memory of who reads it. */
export const MAX_LINE_LENGTH: number = 2 ** 24;

/** Every 64-bit quantity, signed or not. */
export const MIN_INTEGER: bigint = -(2n ** 63n);
export const MAX_INTEGER: bigint = 2n ** 64n - 1n;
