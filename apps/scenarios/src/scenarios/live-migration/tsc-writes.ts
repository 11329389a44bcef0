import { buildDestination, type Destination } from "./destination.js";
import { cyclesIn, type LiveMigrationParams } from "./params.js";
import { letPass } from "./restore.js";
import type { SavedGuest } from "./source.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const NS_PER_S = 1_000_000_000n;

type Axes = Readonly<Record<string, string>>;

/** What the last vCPU's IA32_TSC is off the last write carried forward, cycles; undefined: as saved with the others'. */
export interface LastWrite {
  readonly name: string;
  readonly off: bigint | undefined;
}

/** What became of vCPUs whose IA32_TSC user space wrote one after another. */
export interface WritesOutcome extends LastWrite {
  /** As in {@link LastWrite}, and measured where it was not given. */
  readonly offBy: bigint;
  /** Whether the last vCPU was taken for one of the others. */
  readonly joined: boolean;
  /** Between the counters of the first vCPU and the last, once all run, cycles. */
  readonly apart: bigint;
  readonly masterClock: boolean;
}

/** One second of the guest, cycles: a write that far away is of another counter. */
function windowCycles({ guestKhz }: LiveMigrationParams): bigint {
  return cyclesIn(NS_PER_S, guestKhz);
}

/** The cases of the table: within the second, on its edge, and the page's nanosecond beyond. */
export function lastWrites(params: LiveMigrationParams): readonly LastWrite[] {
  const second = windowCycles(params);
  return [
    { name: "as saved", off: undefined },
    { name: "−1 s", off: -second },
    { name: "−1 s + 1 cycle", off: 1n - second },
    { name: "1 s − 1 cycle", off: second - 1n },
    { name: "1 s", off: second },
    { name: "1.000000001 s", off: cyclesIn(NS_PER_S + 1n, params.guestKhz) },
  ];
}

/**
 * Writes IA32_TSC of every vCPU, `writeGap` apart, as user spaces without KVM_VCPU_TSC_OFFSET do, on a fresh VM of the guest's
 * frequency (docs/model/clocksource-tsc §6.3).
 */
export function writeEveryTsc(
  saved: SavedGuest,
  params: LiveMigrationParams,
  axes: Axes,
  last: LastWrite,
): WritesOutcome {
  const destination = freshVm(params, axes, Number(params.vcpus));
  const { vm } = destination;
  const { vcpus } = vm.counters;
  let written = { value: 0n, ns: 0n };
  let offBy = 0n;
  vcpus.forEach((counter, i) => {
    if (i > 0) letPass(destination, params.writeGap);
    const expected = U(64, written.value + counter.nsToCycles(vm.clock.baseNs() - written.ns));
    const isLast = i === vcpus.length - 1;
    const value = isLast && last.off !== undefined ? U(64, expected + last.off) : saved.guestTsc;
    offBy = S(64, value - expected);
    vm.counters.hostWriteTsc(counter, value);
    written = { value, ns: vm.clock.baseNs() };
  });
  for (const vcpu of vm.vcpus) {
    vcpu.start("goes on", function* (cpu) {
      yield cpu.run();
    });
  }
  const [first, final] = [vcpus[0], vcpus[vcpus.length - 1]];
  if (first === undefined || final === undefined) throw new Error("writeEveryTsc: the guest has no vCPU");
  const now = vm.kvm.tsc();
  return {
    ...last,
    offBy,
    joined: final.generation.number === first.generation.number,
    apart: S(64, final.readL1(now) - first.readL1(now)),
    masterClock: vm.clock.reference.useMasterClock,
  };
}

/** What became of the first value user space wrote to a young VM's TSC. */
export interface YoungOutcome {
  /** The value against the time since the vCPU was created, cycles. */
  readonly off: bigint;
  /** The TSC against the value written, cycles. */
  readonly tscAhead: bigint;
}

/** A saved TSC of a guest about as young as its VM on the destination: off by so many cycles. */
export function youngCases(params: LiveMigrationParams): readonly bigint[] {
  const second = windowCycles(params);
  return [0n, second / 2n, second - 1n, second, 2n * second];
}

/** Writes IA32_TSC of a VM whose only vCPU was created `prepared` ago. */
export function writeYoungTsc(params: LiveMigrationParams, axes: Axes, off: bigint): YoungOutcome {
  const destination = freshVm(params, axes, 1);
  const { vm } = destination;
  const [counter] = vm.counters.vcpus;
  if (counter === undefined) throw new Error("writeYoungTsc: the guest has no vCPU");
  const value = U(64, counter.nsToCycles(vm.clock.baseNs()) + off);
  vm.counters.hostWriteTsc(counter, value);
  const tscAhead = S(64, counter.readL1(vm.kvm.tsc()) - value);
  return { off, tscAhead };
}

/** A VM told the guest's frequency before its vCPUs were created: only such a one can take their first TSC for its own. */
function freshVm(params: LiveMigrationParams, axes: Axes, vcpus: number): Destination {
  const { destinationKhz: hostKhz, scaling } = params;
  return buildDestination(params, { axes, hostKhz, scaling, createdAt: "guest-frequency", vcpus });
}
