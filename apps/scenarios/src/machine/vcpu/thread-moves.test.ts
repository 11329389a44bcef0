import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../random/random.js";
import {
  hostOf,
  MS,
  machineOf,
  oneShots,
  periods,
  type TracedMachine,
  tick,
  US,
} from "../fixtures/many-cpus.js";
import { competeFor } from "../host/competing-load.js";
import type { HostCpuOptions } from "../host/host.js";

const UNPINNED = "v4.5";
const PINNED = "v4.6";
const KICK = "v5.3";
const POSTED = "v5.3 + timerPlacement=posted";

/** A busy housekeeping CPU, and two nohz_full ones with their residual tick at 50 ms. */
const RESIDUAL = 50n * MS;
const CPUS: readonly HostCpuOptions[] = [
  { load: "busy", tick: tick(MS) },
  { timers: "nohz_full", tick: tick(RESIDUAL) },
  { timers: "nohz_full", tick: tick(RESIDUAL) },
];
const IDLE_HOST: readonly HostCpuOptions[] = [{}, ...CPUS.slice(1)];

const moveAt = (machine: TracedMachine, ns: bigint, cpu: number): void =>
  machine.at(ns, () => machine.vcpu.moveTo(machine.host.cpu(cpu)));
const routes = (machine: TracedMachine): readonly (readonly number[])[] =>
  machine.deliveries.map(({ expiredOn, injectedOn }) => [expiredOn, injectedOn]);

describe("S001.7: a vCPU's thread moves from CPU 1 to CPU 2 while its timer is armed", () => {
  it.each<[string, string, readonly HostCpuOptions[], number]>([
    ["era0 restarts it, and it goes to CPU 0 again", UNPINNED, CPUS, 0],
    ["era0 restarts it on CPU 2 where CPU 0 has no event", UNPINNED, IDLE_HOST, 2],
    ["era1 restarts it on CPU 2", PINNED, CPUS, 2],
    ["era2 restarts it, and it goes to CPU 0 again", KICK, CPUS, 0],
  ])("%s", (_why, kernel, cpus, expiresOn) => {
    const machine = machineOf(cpus, kernel);
    oneShots(machine, [10n * MS]);
    moveAt(machine, 3n * MS, 2);
    machine.runTo(2n * RESIDUAL);
    expect(machine.vcpu.counters.restarts).toBe(2);
    expect(routes(machine)).toEqual([[expiresOn, 2]]);
    expect(machine.vcpu.counters).toMatchObject({ cb: 1, seen: 1 });
  });

  it("has a posted one left where it is", () => {
    const machine = machineOf(IDLE_HOST, POSTED, { posting: "on" });
    const taken = oneShots(machine, [10n * MS]);
    moveAt(machine, 3n * MS, 2);
    machine.runTo(RESIDUAL);
    expect(machine.vcpu.counters.restarts).toBe(1);
    expect(routes(machine)).toEqual([[1, 1]]);
    expect(taken).toEqual([10n * MS]);
  });

  it("has it taken along again once APICv is inhibited (S001.9)", () => {
    const machine = machineOf(IDLE_HOST, POSTED, { posting: "on" });
    oneShots(machine, [10n * MS]);
    machine.at(2n * MS, () => machine.vcpu.apic.inhibitApicv());
    moveAt(machine, 3n * MS, 2);
    machine.runTo(RESIDUAL);
    expect(machine.vcpu.counters.restarts).toBe(2);
    expect(routes(machine)).toEqual([[2, 2]]);
  });

  it("sees one that fires between the move and the entry, once", () => {
    const entryCost = 100n * US;
    const machine = machineOf(CPUS, PINNED, { entryCost });
    // The write that arms it costs an entry too.
    const due = 3n * MS + 50n * US;
    const taken = oneShots(machine, [due]);
    moveAt(machine, 3n * MS, 2);
    machine.runTo(2n * RESIDUAL);
    expect(machine.vcpu.counters).toMatchObject({ cb: 1, inj: 1, irrSet: 1, seen: 1, restarts: 1 });
    expect(routes(machine)).toEqual([[1, 2]]);
    // The entry under way is given up, and the one after it has the interrupt.
    expect(taken).toEqual([3n * MS + 2n * entryCost]);
  });

  it("asks for no migration when it goes and comes back without having run elsewhere", () => {
    const machine = machineOf(CPUS, PINNED);
    const taken = oneShots(machine, [10n * MS]);
    const { host, vcpu } = machine;
    machine.at(2n * MS, () => vcpu.stop("preempted"));
    moveAt(machine, 3n * MS, 2);
    moveAt(machine, 4n * MS, 1);
    machine.at(5n * MS, () => vcpu.resume());
    machine.runTo(RESIDUAL);
    expect(vcpu.counters.restarts).toBe(1);
    expect(vcpu.cpu).toBe(host.cpu(1));
    expect(taken).toEqual([10n * MS]);
  });

  it("asks twice when it does run elsewhere", () => {
    const machine = machineOf(CPUS, PINNED);
    const taken = oneShots(machine, [10n * MS]);
    moveAt(machine, 3n * MS, 2);
    moveAt(machine, 4n * MS, 1);
    machine.runTo(RESIDUAL);
    expect(machine.vcpu.counters.restarts).toBe(3);
    expect(taken).toEqual([10n * MS]);
  });

  it("leaves a halted one's timer behind until it wakes, and the timer wakes it", () => {
    const machine = machineOf(CPUS, PINNED);
    const taken = oneShots(machine, [10n * MS, 5n * MS], "halts");
    moveAt(machine, 3n * MS, 2);
    machine.runTo(RESIDUAL);
    expect(routes(machine)).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(taken).toEqual([10n * MS, 15n * MS]);
  });

  it("pays for leaving the one CPU before it enters on the other", () => {
    const machine = machineOf(CPUS, PINNED, { exitCost: 30n * US, entryCost: 20n * US });
    const { vcpu, log } = machine;
    oneShots(machine, [10n * MS]);
    moveAt(machine, 3n * MS, 2);
    machine.runTo(4n * MS);
    const since = log.ofKind("vcpu-state").filter(({ at }) => at >= 3n * MS);
    expect(since.map(({ at, state }) => [at, state])).toEqual([
      [3n * MS, "host"],
      [3n * MS + 50n * US, "guest"],
    ]);
    expect(vcpu.counters.exitsFor.migration).toBe(1);
  });

  it("takes a periodic timer along, and no tick is lost or early", () => {
    const machine = machineOf(CPUS, PINNED);
    const taken = periods(machine, 10n * MS);
    for (const at of [3n, 14n, 27n, 30n, 42n]) moveAt(machine, at * MS, at % 2n === 1n ? 2 : 1);
    machine.runTo(100n * MS);
    expect(taken).toEqual(Array.from({ length: 10 }, (_, i) => BigInt(i + 1) * 10n * MS));
  });
});

describe("S001.8: the CPU that a pinned timer is queued on is unplugged", () => {
  it("and the thread with it: KVM's migration brings the timer back at the next entry, in time", () => {
    const machine = machineOf(CPUS, PINNED);
    const taken = oneShots(machine, [10n * MS, 10n * MS]);
    machine.at(3n * MS, () => machine.host.unplug(1, 2));
    machine.runTo(4n * MS);
    expect(machine.host.cpus.map((cpu) => cpu.timers.queued)).toEqual([1, 0, 2]);
    machine.runTo(RESIDUAL);
    expect(taken).toEqual([10n * MS, 20n * MS]);
    expect(routes(machine)).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  it("and a halted thread with it: the timer fires on CPU 0, which wakes it in time", () => {
    const machine = machineOf(CPUS, PINNED);
    const taken = oneShots(machine, [10n * MS, 10n * MS], "halts");
    machine.at(3n * MS, () => machine.host.unplug(1, 2));
    machine.runTo(RESIDUAL);
    expect(taken).toEqual([10n * MS, 20n * MS]);
    expect(routes(machine)).toEqual([
      [0, 2],
      [2, 2],
    ]);
  });

  /** The thread is out while its CPU goes off and on again, and comes back to it without having run elsewhere. */
  function offAndOnAgain(kernel: string): { machine: TracedMachine; taken: bigint[] } {
    const machine = machineOf(CPUS, kernel);
    const { host, vcpu } = machine;
    const taken = oneShots(machine, [10n * MS, 10n * MS]);
    machine.at(2n * MS, () => vcpu.stop());
    machine.at(3n * MS, () => {
      host.unplug(1, 2);
      host.plug(1);
    });
    moveAt(machine, 4n * MS, 1);
    machine.at(5n * MS, () => vcpu.resume());
    machine.runTo(2n * RESIDUAL);
    return { machine, taken };
  }

  it("and on again while the thread was out: nobody asks for the timer, and it is as late as era0's, once", () => {
    const { machine, taken } = offAndOnAgain(PINNED);
    expect(routes(machine)).toEqual([
      [0, 1],
      [1, 1],
    ]);
    // It expires on CPU 0 at 10 ms and is found at the residual tick; armed again it is pinned here, and in time.
    expect(taken).toEqual([RESIDUAL, RESIDUAL + 10n * MS]);
  });

  it("which makes no difference to a timer that kicks", () => {
    expect(offAndOnAgain(KICK).taken).toEqual([10n * MS, 20n * MS]);
  });
});

describe("a thread is refused", () => {
  it("by a CPU that is offline, and stays where it was", () => {
    const machine = machineOf(CPUS, PINNED);
    const taken = oneShots(machine, [10n * MS]);
    machine.host.unplug(2);
    expect(() => machine.vcpu.moveTo(machine.host.cpu(2))).toThrow(
      new RangeError("vCPU 0: expected an online CPU, got CPU 2, offline"),
    );
    expect(() => machine.host.unplug(1, 2)).toThrow(
      new RangeError("vCPU 0: expected an online CPU, got CPU 2, offline"),
    );
    expect([machine.vcpu.cpu.id, machine.host.cpu(1).online]).toEqual([1, true]);
    machine.runTo(RESIDUAL);
    expect(taken).toEqual([10n * MS]);
  });

  it("by a CPU that runs another vCPU", () => {
    const machine = machineOf(CPUS, PINNED);
    machine.host.cpu(2).admit({
      id: 7,
      name: "vCPU 7",
      occupiesCpu: true,
      leaveForInterrupt: () => false,
      continueAfterInterrupt: () => undefined,
      interruptsWereOff: () => undefined,
      moveTo: () => undefined,
    });
    expect(() => machine.vcpu.moveTo(machine.host.cpu(2))).toThrow(
      new RangeError("vCPU 0: expected a CPU of its own, got CPU 2, taken"),
    );
  });

  it("by a CPU the host does not have", () => {
    expect(() => hostOf([{}]).cpu(1)).toThrow(new RangeError("Host.cpu: expected a CPU below 1, got 1"));
  });
});

describe("competing load", () => {
  const load = { everyNs: 4n * MS, burstNs: 3n * MS };

  it("takes the CPU, and a timer due meanwhile is served when the vCPU is back", () => {
    const machine = machineOf(CPUS, PINNED);
    const { host, vcpu } = machine;
    const taken = periods(machine, 500n * US);
    competeFor(host, vcpu, seededRandom(1), load);
    const states = new Set<string>();
    let longest = 0n;
    for (let ns = 100n * US; ns <= 100n * MS; ns += 100n * US) {
      machine.runTo(ns);
      states.add(vcpu.state);
      if (vcpu.state === "preempted") expect(host.cpu(1).idle).toBe(false);
      const last = taken.at(-1) ?? 0n;
      if (ns - last > longest) longest = ns - last;
    }
    expect(states).toEqual(new Set(["guest", "preempted"]));
    // Out for 3 ms: the period under way, and no more than the next one's distance.
    expect(longest >= load.burstNs && longest < load.burstNs + 500n * US).toBe(true);
    // Periods that passed meanwhile are one interrupt, which comes at the resume.
    const late = machine.deliveries.filter((delivery) => delivery.late > 0n);
    expect(late.length > 5).toBe(true);
    expect(late.every((delivery) => delivery.late <= load.burstNs)).toBe(true);
    const out = vcpu.state === "preempted" ? 1 : 0;
    expect(vcpu.counters.exitsFor.preempted).toBe(late.length + out);
  });

  it("delays a halted vCPU's wake-up to its end", () => {
    const machine = machineOf(CPUS, PINNED);
    const { host, vcpu } = machine;
    const taken = oneShots(machine, [10n * MS], "halts");
    machine.at(9n * MS, () => vcpu.stop("preempted"));
    machine.at(12n * MS, () => vcpu.resume());
    machine.runTo(11n * MS);
    expect([vcpu.state, host.cpu(1).idle]).toEqual(["preempted", true]);
    machine.runTo(RESIDUAL);
    expect(taken).toEqual([12n * MS]);
  });

  it("leaves the thread free to go on on another CPU", () => {
    const machine = machineOf(CPUS, PINNED);
    const { host, vcpu } = machine;
    const taken = oneShots(machine, [10n * MS]);
    competeFor(host, vcpu, seededRandom(1), { everyNs: 2n * MS, burstNs: 20n * MS });
    machine.runTo(5n * MS);
    expect(vcpu.state).toBe("preempted");
    vcpu.moveTo(host.cpu(2));
    expect([host.cpu(1).idle, host.cpu(2).idle]).toEqual([false, true]);
    machine.runTo(30n * MS);
    expect(host.cpu(1).idle).toBe(true);
    expect(routes(machine)).toEqual([[1, 2]]);
    expect((taken[0] ?? 0n) > 20n * MS).toBe(true);
  });
});

describe("whatever is done to the thread and its CPUs", () => {
  const ONLINE_FIRST: readonly HostCpuOptions[] = [
    { load: "busy", tick: tick(MS, 300n * US) },
    { timers: "nohz_full", tick: tick(2n * MS, 700n * US) },
    { timers: "nohz_full", tick: tick(2n * MS, 1_100n * US) },
    { tick: tick(MS, 900n * US) },
  ];
  const act = fc.record({
    at: fc.bigInt({ min: 1n, max: 20n * MS }),
    what: fc.constantFrom("move", "move", "move", "preempt", "stop", "resume", "unplug", "plug", "inhibit"),
    cpu: fc.integer({ min: 0, max: 3 }),
  });

  function disturb({ host, vcpu }: TracedMachine, what: string, id: number): void {
    const cpu = host.cpu(id);
    const heir = host.cpus.find((other) => other.online && other !== cpu);
    const lastHousekeeping = id % 3 === 0 && !host.cpu(3 - id).online;
    if (what === "move" && cpu.online) vcpu.moveTo(cpu);
    else if (what === "preempt") vcpu.stop("preempted");
    else if (what === "stop") vcpu.stop();
    else if (what === "resume") vcpu.resume();
    else if (what === "unplug" && cpu.online && heir !== undefined && !lastHousekeeping)
      host.unplug(id, heir.id);
    else if (what === "plug" && !cpu.online) host.plug(id);
    else if (what === "inhibit") vcpu.apic.inhibitApicv();
  }

  it("every timer expires once and is seen once, and never early", () => {
    const cost = fc.bigInt({ min: 0n, max: 40n * US });
    fc.assert(
      fc.property(
        fc.array(act, { maxLength: 25 }),
        fc.constantFrom(UNPINNED, PINNED, KICK, POSTED, "v7.3", "v7.3 + timerPlacement=posted"),
        fc.constantFrom("spins", "halts"),
        fc.record({ exitCost: cost, entryCost: cost, ipiCost: cost }),
        (acts, kernel, waits, costs) => {
          const machine = machineOf(ONLINE_FIRST, kernel, { ...costs, posting: "on" });
          const lengths = [MS, 2_300n * US, 200n * US, 4n * MS, 700n * US, 3n * MS];
          oneShots(machine, lengths, waits);
          for (const { at, what, cpu } of acts) machine.at(at, () => disturb(machine, what, cpu));
          machine.at(21n * MS, () => machine.vcpu.resume());
          machine.runTo(100n * MS);
          const { cb, swStart, inj, irrSet, seen } = machine.vcpu.counters;
          expect({ expirations: cb + swStart, inj, irrSet, seen }).toEqual({
            expirations: lengths.length,
            inj: lengths.length,
            irrSet: lengths.length,
            seen: lengths.length,
          });
          expect(machine.deliveries.every(({ late }) => late >= 0n)).toBe(true);
        },
      ),
    );
  });
});
