import type { HostEvent } from "../events.js";
import type { TraceTextEnvelope } from "./text-record.js";

/** A thread and the CPU it is on. */
export type ThreadOnCpu = Required<Pick<TraceTextEnvelope, "comm" | "pid" | "cpu">>;

/** A vCPU's thread has the id 1000 + its number; a CPU's other work one past all of those. */
const FIRST_VCPU_PID = 1_000;
const FIRST_WORK_PID = 200_000;

const IDLE = { comm: "<idle>", pid: 0 } as const;

const vcpuThread = (vcpu: number): Omit<ThreadOnCpu, "cpu"> => ({
  comm: `CPU ${vcpu}/KVM`,
  pid: FIRST_VCPU_PID + vcpu,
});

/** Which thread runs on which CPU, as the run's `cpu-runs` events say: a log's lines name both. */
export class Threads {
  readonly #onCpu: Omit<ThreadOnCpu, "cpu">[];
  readonly #cpuOf: number[];

  /** Until a CPU is said to run something it is idle, and vCPU n is on CPU n, counted round. */
  constructor(cpus: number, vcpus: number) {
    this.#onCpu = Array.from({ length: cpus }, () => IDLE);
    this.#cpuOf = Array.from({ length: vcpus }, (_, vcpu) => vcpu % cpus);
  }

  note({ cpu, what, vcpu }: Extract<HostEvent, { kind: "cpu-runs" }>): void {
    if (what === "vcpu" && vcpu !== undefined) {
      this.#onCpu[cpu] = vcpuThread(vcpu);
      this.#cpuOf[vcpu] = cpu;
    } else {
      this.#onCpu[cpu] = what === "work" ? { comm: "work", pid: FIRST_WORK_PID + cpu } : IDLE;
    }
  }

  /** What runs on a CPU, and is interrupted there. */
  onCpu(cpu: number): ThreadOnCpu {
    return { ...(this.#onCpu[cpu] ?? IDLE), cpu };
  }

  /** A vCPU's thread, on the CPU it was last put on. */
  ofVcpu(vcpu: number): ThreadOnCpu {
    return { ...vcpuThread(vcpu), cpu: this.#cpuOf[vcpu] ?? 0 };
  }
}
