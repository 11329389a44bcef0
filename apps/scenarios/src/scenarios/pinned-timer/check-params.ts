import { ChronovisorError } from "../../errors.js";
import { formatCpuList } from "../../params/cpu-list.js";
import { housekeepingCpus, moveTargets } from "./host-cpus.js";
import type { PinnedTimerParams } from "./params.js";

/**
 * Refuses parameters that are fine alone but contradict each other.
 *
 * @throws ChronovisorError naming the parameter, what it should have been and what it is
 */
export function checkParams(p: PinnedTimerParams): void {
  checkCpus(p);
  checkMoves(p);
  checkUnplug(p);
}

function checkCpus(p: PinnedTimerParams): void {
  const total = Number(p.cpus);
  const isolated = formatCpuList(p.nohzFull);
  const beyond = p.nohzFull.find((cpu) => cpu >= total);
  if (beyond !== undefined) {
    throw new ChronovisorError(
      `nohzFull: expected CPUs from 0 to ${total - 1}, got ${beyond} in "${isolated}"`,
    );
  }
  if (p.nohzFull.length === total) {
    throw new ChronovisorError(
      `nohzFull: expected to leave a housekeeping CPU, got "${isolated}" of ${total} CPUs`,
    );
  }
  if (Number(p.vcpuCpu) >= total) {
    throw new ChronovisorError(`vcpuCpu: expected a CPU from 0 to ${total - 1}, got ${p.vcpuCpu}`);
  }
}

function checkMoves(p: PinnedTimerParams): void {
  if (p.moveEvery === 0n) return;
  const targets = moveTargets(p);
  // One goes offline, and the thread has to have somewhere to go afterwards.
  const needed = p.unplugAt > 0n ? 3 : 2;
  if (targets.length >= needed) return;
  const why = p.unplugAt > 0n ? ", one of which is unplugged" : "";
  throw new ChronovisorError(
    `moveEvery: expected ${needed} CPUs or more to move among${why}, got "${formatCpuList(targets)}"`,
  );
}

function checkUnplug(p: PinnedTimerParams): void {
  if (p.unplugAt === 0n) return;
  const housekeeping = housekeepingCpus(p);
  const hasLeft = p.moveEvery > 0n && p.moveEvery < p.unplugAt;
  if (hasLeft || housekeeping.length > 1 || housekeeping[0] !== Number(p.vcpuCpu)) return;
  throw new ChronovisorError(
    `unplugAt: expected another housekeeping CPU to take the timers of CPU ${p.vcpuCpu}, got nohzFull "${formatCpuList(p.nohzFull)}" of ${p.cpus} CPUs`,
  );
}
