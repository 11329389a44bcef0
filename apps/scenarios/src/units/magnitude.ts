/** The size of a signed quantity. */
export const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
