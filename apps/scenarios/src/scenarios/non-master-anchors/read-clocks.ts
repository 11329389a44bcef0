import type { GuestTsc } from "@chronovisor/clocksource";
import type { GuestCpu, GuestProgram } from "../../machine/guest/guest.js";
import type { AnchorMachine, Reader } from "./machine.js";
import type { NonMasterAnchorsParams } from "./params.js";

/** vCPU 1 reads so often from the first move on, and vCPU 0 right after it. */
export const READS = 40n;
export const READ_EVERY_NS = 5_000_000n;
/** How soon vCPU 0 reads again, as long as it has not stood still for long. */
export const POLL_NS = 100n;
/** Later, after a part of the time it has. */
export const POLL_PART = 64n;

/** How long vCPU 0's clock stood still after each of vCPU 1's reads, ns of its TSC. */
export interface Stands {
  readonly ns: bigint[];
}

type Params = Pick<NonMasterAnchorsParams, "age" | "guestKhz">;

const NS_PER_MS = 1_000_000n;

/** Guest programs that read by turns, and what they find. */
export function readers(params: Params): {
  readonly programs: readonly [Reader, Reader];
  readonly stands: Stands;
} {
  const stands: Stands = { ns: [] };
  return { stands, programs: [follower(params, stands), leader(params)] };
}

function leader({ age }: Params): Reader {
  return function* (cpu, machine): GuestProgram {
    for (const at of readInstants(machine, 1, age)) {
      yield cpu.run(at);
      machine.guest.read(cpu, 1);
    }
    for (;;) yield cpu.run();
  };
}

function follower({ age, guestKhz }: Params, stands: Stands): Reader {
  const cyclesOf = (ns: bigint): bigint => (ns * guestKhz) / NS_PER_MS;
  return function* (cpu, machine): GuestProgram {
    for (const at of readInstants(machine, 0, age)) {
      yield cpu.run((at + cyclesOf(POLL_NS)) as GuestTsc);
      const stood = yield* standingStill(cpu, machine, cyclesOf(POLL_NS));
      stands.ns.push((stood * NS_PER_MS) / guestKhz);
    }
    for (;;) yield cpu.run();
  };
}

/** Reads vCPU 0's clock until it goes on. Returns the cycles between the first and the last read of one value. */
function* standingStill(
  cpu: GuestCpu,
  { guest }: AnchorMachine,
  poll: bigint,
): Generator<ReturnType<GuestCpu["run"]>, bigint, number | undefined> {
  const began = cpu.rdtsc();
  const first = guest.read(cpu, 0);
  for (let stood = 0n; ; stood = cpu.rdtsc() - began) {
    const pause = stood / POLL_PART > poll ? stood / POLL_PART : poll;
    yield cpu.run((cpu.rdtsc() + pause) as GuestTsc);
    if (guest.read(cpu, 0) !== first) return stood;
  }
}

function readInstants({ host, vm }: AnchorMachine, vcpu: 0 | 1, fromNs: bigint): readonly GuestTsc[] {
  const counter = vm.counters.vcpus[vcpu];
  return Array.from({ length: Number(READS) }, (_, i) =>
    host.tscAt(fromNs + READ_EVERY_NS * BigInt(i)),
  ).flatMap((at) => counter?.readL1(at) ?? []);
}
