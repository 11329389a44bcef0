import type { TraceTextRecord } from "@chronovisor/trace";
import { numberOf } from "./record-values.js";

/** A vCPU of a log: its number, and the thread that runs it once that is known. */
export interface VcpuName {
  readonly id: number;
  readonly pid: number | undefined;
}

/** What is kept about a vCPU. */
interface Entry<T> {
  name: VcpuName;
  readonly about: T;
}

/** vCPUs told apart: more than a host runs, and a bound on what is held. */
const MAX_VCPUS = 8_192;

/** How QEMU, Firecracker, Cloud Hypervisor and crosvm name the threads of their vCPUs; QEMU's also cut to eight characters. */
const VCPU_COMM =
  /^(?:CPU (\d{1,5})\/KVM|CPU (\d{1,3})\/(?:KV?)?|fc_vcpu (\d{1,5})|vcpu(\d{1,5})|crosvm_vcpu(\d{1,5}))$/;

/** Events that the vCPU's own thread logs, with its number. */
const OWN_THREAD = new Set(["kvm_entry", "kvm_exit"]);

function idFromComm(comm: string): number | undefined {
  const match = VCPU_COMM.exec(comm);
  if (match === null) return undefined;
  return Number(match.slice(1).find((id) => id !== undefined));
}

/** The number in the payload: most events call it the vCPU's, some the local APIC's, which is the same. */
function idFromPayload(record: TraceTextRecord): number | undefined {
  const { vcpuId, apicId } = record.fields;
  const id = vcpuId ?? apicId;
  return typeof id === "bigint" && id >= 0n && id < 65_536n ? Number(id) : undefined;
}

/**
 * Which vCPU a record is about. Its number stands in some payloads; otherwise it is the vCPU whose thread logged it, known by the
 * thread's name or by an entry or exit of its own. Two threads with the same number are vCPUs of two VMs.
 */
export class VcpuDirectory<T> {
  readonly #create: (name: VcpuName) => T;
  readonly #byPid = new Map<number, Entry<T>>();
  readonly #byId = new Map<number, Entry<T>[]>();
  #count = 0;

  /** @param create - makes what is kept about a vCPU that is new */
  constructor(create: (name: VcpuName) => T) {
    this.#create = create;
  }

  /** What is kept about the vCPU whose thread logged the record; `undefined` for another thread. */
  ofThread(record: TraceTextRecord): T | undefined {
    if (record.pid === 0) return undefined;
    const known = this.#byPid.get(record.pid);
    if (known !== undefined) return known.about;
    const { vcpuId } = record.fields;
    const own = OWN_THREAD.has(record.event) && vcpuId !== undefined;
    const id = idFromComm(record.comm) ?? (own ? Number(numberOf(record, "vcpuId")) : undefined);
    return id === undefined || id >= 65_536 ? undefined : this.#enter(id, record.pid)?.about;
  }

  /** What is kept about the vCPU that the record is about; `undefined` where nothing tells. */
  of(record: TraceTextRecord): T | undefined {
    const thread = this.ofThread(record);
    const id = idFromPayload(record);
    if (id === undefined) return thread;
    if (thread !== undefined && this.#byPid.get(record.pid)?.name.id === id) return thread;
    const [first] = this.#byId.get(id) ?? [];
    return (first ?? this.#enter(id, undefined))?.about;
  }

  /** The only vCPU of the log, if it has one. */
  only(): T | undefined {
    const [entries, ...others] = this.#byId.values();
    return others.length === 0 && entries?.length === 1 ? entries[0]?.about : undefined;
  }

  /** All of them, by number and thread. */
  all(): ReadonlyArray<readonly [VcpuName, T]> {
    return [...this.#byId.values()]
      .flat()
      .sort((a, b) => a.name.id - b.name.id || (a.name.pid ?? 0) - (b.name.pid ?? 0))
      .map(({ name, about }) => [name, about] as const);
  }

  #enter(id: number, pid: number | undefined): Entry<T> | undefined {
    const sameId = this.#byId.get(id) ?? [];
    // Known by its number so far: now its thread is known too.
    const unnamed = sameId.find(({ name }) => name.pid === undefined);
    if (unnamed !== undefined && pid !== undefined) {
      unnamed.name = { id, pid };
      this.#byPid.set(pid, unnamed);
      return unnamed;
    }
    if (this.#count >= MAX_VCPUS) return undefined;
    this.#count += 1;
    const name = { id, pid };
    const entry = { name, about: this.#create(name) };
    if (pid !== undefined) this.#byPid.set(pid, entry);
    this.#byId.set(id, [...sameId, entry]);
    return entry;
  }
}
