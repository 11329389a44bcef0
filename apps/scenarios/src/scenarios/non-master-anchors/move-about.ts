import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { magnitude } from "../../units/magnitude.js";
import { ClockPair } from "../clock-pair.js";
import { buildAnchorMachine, moveInstants, scheduleMoves } from "./machine.js";
import type { NonMasterAnchorsParams } from "./params.js";
import { READ_EVERY_NS, READS, readers } from "./read-clocks.js";

/** The series begins so long before the first move, and ends so long after it. */
const LEAD_NS = 50_000_000n;
const WATCHED_NS: bigint = READS * READ_EVERY_NS;
/** From one point to the next, and from the last look before a move to it. */
export const LEAD_STEP_NS = 2_500_000n;
/** After the last move, until what it asked for is done. */
const TAIL_NS = 200_000_000n;

/** What a vCPU that is moved about costs the other. */
export interface MovedAbout {
  /** vCPU 1's clock minus vCPU 0's, from {@link LEAD_NS} before the first move. */
  readonly apart: ReadonlyArray<readonly [ns: bigint, apartNs: bigint]>;
  /** vCPU 0's clock stood still for, after each of vCPU 1's reads, ns. */
  readonly stands: readonly bigint[];
  /** Kicks that made vCPU 1 exit. */
  readonly kicks: bigint;
  /** Times vCPU 1's clock was published anew. */
  readonly renewals: bigint;
  /** The furthest the clocks are apart between later moves, ns. */
  readonly laterApart: bigint;
}

/** From the first move to the end. */
export function movingNs({ moves, moveEvery }: NonMasterAnchorsParams): bigint {
  const moved = (moves - 1n) * moveEvery;
  return (moved > WATCHED_NS ? moved : WATCHED_NS) + TAIL_NS;
}

/**
 * Moves vCPU 0 again and again, while both read their clocks.
 *
 * @param passed - hears how far true time has come, ns.
 * @param openTrace - opens the machine's trace.
 */
export function moveAbout(
  params: NonMasterAnchorsParams,
  axes: Readonly<Record<string, string>>,
  passed: (ns: bigint) => void,
  openTrace?: OpenTrace,
): MovedAbout {
  const { age, moves, moveEvery } = params;
  const { programs, stands } = readers(params);
  const machine = buildAnchorMachine(params, axes, programs, openTrace);
  const { host, vm, guest } = machine;
  scheduleMoves(machine, moveInstants(machine, params));
  const clocks = new ClockPair(host, vm);
  const runTo = (ns: bigint): void => {
    host.engine.runUntil(host.tscAt(ns));
    passed(ns);
  };
  const points: [bigint, bigint][] = [];
  const begins = age - LEAD_NS;
  const watch = (ns: bigint): void => {
    runTo(ns);
    points.push([ns - begins, clocks.apartNs()]);
  };
  for (let ns = begins; ns < age; ns += LEAD_STEP_NS) watch(ns);
  const kicks = (): number => vm.vcpus[1]?.counters.exitsFor.kick ?? 0;
  const before = { kicks: kicks(), version: guest.published(1).version };
  for (let ns = age; ns <= age + WATCHED_NS; ns += LEAD_STEP_NS) watch(ns);
  let laterApart = 0n;
  for (let i = 1n; i < moves; i++) {
    const ns = age + moveEvery * i;
    if (ns <= age + WATCHED_NS) continue;
    runTo(ns);
    const apart = magnitude(clocks.apartNs());
    if (apart > laterApart) laterApart = apart;
  }
  runTo(age + movingNs(params));
  return {
    apart: points,
    stands: stands.ns,
    kicks: BigInt(kicks() - before.kicks),
    renewals: BigInt(guest.published(1).version - before.version) / 2n,
    laterApart,
  };
}
