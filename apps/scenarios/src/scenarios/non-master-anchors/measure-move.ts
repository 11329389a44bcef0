import type { HostTsc } from "@chronovisor/clocksource";
import { ClockPair } from "../clock-pair.js";
import { buildAnchorMachine, moveInstants, scheduleMoves } from "./machine.js";
import type { NonMasterAnchorsParams } from "./params.js";

/** How long a gap is watched. */
const PATIENCE_NS = 10_000_000_000n;

/** What the first move of a vCPU does to the clocks. */
export interface MoveOutcome {
  /** How old the VM was. */
  readonly age: bigint;
  /** vCPU 1's clock minus vCPU 0's, ns. */
  readonly apart: bigint;
  /** Until vCPU 1's clock was renewed; undefined if it was not. */
  readonly lasts: bigint | undefined;
}

/** Moves vCPU 0 of a VM of that age, once, and waits for vCPU 1's clock to follow. */
export function measureMove(
  params: NonMasterAnchorsParams,
  axes: Readonly<Record<string, string>>,
): MoveOutcome {
  const machine = buildAnchorMachine(params, axes);
  const { host, vm, guest } = machine;
  const [moves] = moveInstants(machine, params);
  const at = moves ?? host.startTsc;
  scheduleMoves(machine, [at]);
  host.engine.runUntil((at - 1n) as HostTsc);
  const before = guest.published(1).version;
  const isRenewed = (): boolean => guest.published(1).version !== before;
  // No further: vCPU 1 may follow at the same instant.
  host.engine.runUntilDone(() => vm.vcpus[0]?.cpu !== host.cpu(0), at);
  const apart = new ClockPair(host, vm).apartNs();
  const limit = host.tscAt(params.age + PATIENCE_NS);
  const followed = isRenewed() || host.engine.runUntilDone(isRenewed, limit);
  return { age: params.age, apart, lasts: followed ? host.nanoseconds(host.engine.now - at) : undefined };
}
