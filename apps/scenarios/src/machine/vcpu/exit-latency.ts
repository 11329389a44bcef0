import type { Random } from "../../random/random.js";

/** A point of a latency distribution: `share` per mille of all exits take at most `of` per mille of the longest. */
interface LatencyPoint {
  readonly share: bigint;
  readonly of: bigint;
}

/**
 * What exits take beyond their least, as measured hosts show it: half are within a sixteenth of the longest, one in ten
 * takes more than an eighth, one in a hundred more than half.
 */
const SHAPE: readonly LatencyPoint[] = [
  { share: 0n, of: 0n },
  { share: 500n, of: 62n },
  { share: 900n, of: 125n },
  { share: 990n, of: 500n },
  { share: 1000n, of: 1000n },
];

const MILLE = 1000n;
/** Resolution of a draw. */
const STEPS = 1_000_000n;

/**
 * Latencies with a long tail, up to `longest`, by linear steps between the points of {@link SHAPE}: whole numbers only, so
 * that every platform draws the same.
 *
 * @param longest - the longest, in any unit; 0 draws nothing and always gives 0.
 */
export function longTailed(random: Random, longest: bigint): () => bigint {
  if (longest === 0n) return () => 0n;
  return () => {
    const draw = random.between(0n, STEPS);
    const above = SHAPE.findIndex(({ share }) => share * (STEPS / MILLE) >= draw);
    const high = SHAPE[above] ?? { share: MILLE, of: MILLE };
    const low = SHAPE[above - 1] ?? high;
    if (high === low) return (longest * high.of) / MILLE;
    const within = draw - low.share * (STEPS / MILLE);
    const span = (high.share - low.share) * (STEPS / MILLE);
    return (longest * (low.of * span + (high.of - low.of) * within)) / (MILLE * span);
  };
}
