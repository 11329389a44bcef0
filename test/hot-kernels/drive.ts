/**
 * Numbers for a hot kernel and the loop that drives it: far past the point where V8 optimises it, compared now and then with plain
 * BigInt arithmetic. Runs inside a child process, because the failure it looks for is an abort of the process.
 */
export const LENGTH = 512;
const ROUNDS = 400;
/** Every so many rounds all results are compared; plain BigInt is some 20 times slower than what it checks. */
const CHECK_EVERY = 16;

export const input = new BigUint64Array(LENGTH);
export const output = new BigUint64Array(LENGTH);

/** xorshift64: the same numbers on every run. */
let seed = 0x9e3779b97f4a7c15n;
function nextU64(): bigint {
  seed ^= BigInt.asUintN(64, seed << 13n);
  seed ^= seed >> 7n;
  seed ^= BigInt.asUintN(64, seed << 17n);
  return seed;
}

const EDGES = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];

function refill(): void {
  for (let i = 0; i < LENGTH; i++) input[i] = EDGES[i] ?? nextU64() >> (nextU64() & 63n);
}

/** Runs `kernel` hot and compares every element now and then with `reference`. */
export function drive(name: string, kernel: () => void, reference: (value: bigint) => bigint): void {
  for (let round = 0; round < ROUNDS; round++) {
    const checked = round % CHECK_EVERY === 0 || round === ROUNDS - 1;
    if (checked) refill();
    kernel();
    if (!checked) continue;
    for (let i = 0; i < LENGTH; i++) {
      const expected = BigInt.asUintN(64, reference(input[i] as bigint));
      if (output[i] !== expected) {
        throw new Error(`${name}: ${input[i]} gave ${output[i]}, expected ${expected} (round ${round})`);
      }
    }
  }
}
