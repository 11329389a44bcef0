/**
 * The TSCs of one VM, kept in step. User space restores each vCPU's counter on its own, a little later each time, so KVM
 * guesses which writes mean "the same counter": a write close to where the last one would be by now joins the last one's
 * GENERATION, and takes over its offset. When every vCPU is in one generation the VM can have a master clock.
 *
 * `last` is the latest write of any vCPU; `current` the first write of the present generation, whose offset the others
 * take over. `nrVcpusMatched` does not count the generation's founder.
 *
 * Sources: `arch/x86/kvm/x86.c:kvm_synchronize_tsc`, `__kvm_synchronize_tsc`, `kvm_track_tsc_matching`,
 * `kvm_arch_tsc_set_attr`, `kvm_arch_vcpu_load`; docs/model/clocksource-tsc §6.
 */

import { checkInteger, checkOneOf, checkPositiveU32, checkU32, checkU64 } from "../argument-checks.js";
import { CLOCKSOURCE_BEHAVIOURS } from "../behaviours.js";
import type { GuestTsc, HostTsc } from "../time-types.js";
import { maxGuestTscKhz, scaleTsc, type TscVendor } from "./tsc-ratio.js";
import { VcpuTsc } from "./vcpu-tsc.js";
import type { VcpuTscEvents } from "./vcpu-tsc-types.js";
import type {
  TscKhzChange,
  TscWrite,
  TscWriteState,
  UserTsc,
  VcpuAddRefresh,
  VmTscOptions,
  VmTscState,
  VmTscSurroundings,
} from "./vm-tsc-types.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const EINVAL = 22;
const DEFAULT_TOLERANCE_PPM = 250;
const NOTHING_WRITTEN: TscWrite = { ns: 0n, write: 0n, offset: 0n };

/**
 * The TSC state a VM's vCPUs share: creation, writes, generations, loads.
 *
 * @example
 * const clock = { tsc: () => hostTsc(5_000n), kvmclockBaseNs: () => 2_000n };
 * const axes = { userTsc: "first-write-wins", vcpuAddRefresh: "on-change" } as const;
 * const health = new HostTscHealth("tsc");
 * const vm = new VmTsc({ hostTscKhz: 2_500_000, vendor: "vmx", ...axes, clock, health });
 * const [first, second] = [vm.createVcpu(), vm.createVcpu()];
 * [first.l1Offset === second.l1Offset, vm.nrVcpusMatched] // => [ true, 1 ]
 */
export class VmTsc {
  readonly hostTscKhz: number;
  readonly vendor: TscVendor;
  readonly hasTscScaling: boolean;
  readonly tolerancePpm: number;
  readonly userTsc: UserTsc;
  readonly vcpuAddRefresh: VcpuAddRefresh;
  readonly tscKhzChange: TscKhzChange;

  /**
   * Whether the VM runs on one master reference, as of the last update that was executed (`use_master_clock`). The owner of
   * the pvclock state sets it; requests still pending do not count.
   */
  useMasterClock = false;

  readonly #vcpus: VcpuTsc[] = [];
  readonly #surroundings: VmTscSurroundings;
  #defaultTscKhz: number;
  #userSetTsc = false;
  #backwardsTscObserved = false;
  #nrVcpusMatched = 0;
  #generationNumber = 0n;
  #last: TscWrite = NOTHING_WRITTEN;
  #lastTscKhz = 0;
  #current: TscWrite = NOTHING_WRITTEN;

  /**
   * @param options - see {@link VmTscOptions}.
   * @throws TypeError or RangeError for an option outside its domain.
   */
  constructor(options: VmTscOptions) {
    checkPositiveU32("VmTsc", "hostTscKhz", options.hostTscKhz);
    checkOneOf("VmTsc", "vendor", options.vendor, ["vmx", "svm"]);
    checkOneOf("VmTsc", "userTsc", options.userTsc, CLOCKSOURCE_BEHAVIOURS.userTsc);
    checkOneOf("VmTsc", "vcpuAddRefresh", options.vcpuAddRefresh, CLOCKSOURCE_BEHAVIOURS.vcpuAddRefresh);
    const { tscKhzChange = "jumps" } = options;
    checkOneOf("VmTsc", "tscKhzChange", tscKhzChange, CLOCKSOURCE_BEHAVIOURS.tscKhzChange);
    this.hostTscKhz = options.hostTscKhz;
    this.vendor = options.vendor;
    this.hasTscScaling = options.hasTscScaling ?? true;
    this.tolerancePpm = options.tolerancePpm ?? DEFAULT_TOLERANCE_PPM;
    checkU32("VmTsc", "tolerancePpm", this.tolerancePpm);
    this.#defaultTscKhz = options.defaultTscKhz ?? options.hostTscKhz;
    checkU32("VmTsc", "defaultTscKhz", this.#defaultTscKhz);
    this.userTsc = options.userTsc;
    this.vcpuAddRefresh = options.vcpuAddRefresh;
    this.tscKhzChange = tscKhzChange;
    this.#surroundings = { clock: options.clock, health: options.health, events: options.events ?? {} };
  }

  /** The VM's vCPUs in order of creation. */
  get vcpus(): readonly VcpuTsc[] {
    return this.#vcpus;
  }

  /** Frequency of vCPUs created from now on, kHz (`KVM_GET_TSC_KHZ` on the VM). */
  get defaultTscKhz(): number {
    return this.#defaultTscKhz;
  }

  /** vCPUs that joined the present generation, its founder not counted (`nr_vcpus_matched_tsc`). */
  get nrVcpusMatched(): number {
    return this.#nrVcpusMatched;
  }

  /** Number of the present generation; 0 before the first vCPU (`cur_tsc_generation`). */
  get generationNumber(): bigint {
    return this.#generationNumber;
  }

  /** Whether user space ever wrote a TSC or an offset (`user_set_tsc`). */
  get userSetTsc(): boolean {
    return this.#userSetTsc;
  }

  /** Whether the host's counter ever fell back across a suspend: no master clock from then on. */
  get backwardsTscObserved(): boolean {
    return this.#backwardsTscObserved;
  }

  /** Whether all counters are in step and the host's clock is its TSC: the first two conditions of a master clock. */
  get wantsMasterClock(): boolean {
    return this.#nrVcpusMatched + 1 === this.#vcpus.length && this.#surroundings.health.clocksourceIsTscBased;
  }

  /**
   * `KVM_SET_TSC_KHZ` on the VM: the frequency of vCPUs created later; 0 means the host's.
   *
   * @param khz - the ioctl's argument, u64; taken mod 2^32 as the kernel does.
   * @returns 0, or −22 (−EINVAL) at or above {@link maxGuestTscKhz} with scaling hardware.
   * @throws TypeError or RangeError unless `khz` is a u64.
   * Source: docs/model/clocksource-tsc §5.2.
   */
  ioctlSetTscKhz(khz: bigint): number {
    checkU64("VmTsc.ioctlSetTscKhz", "khz", khz);
    const userKhz = Number(U(32, khz));
    if (this.hasTscScaling && userKhz >= maxGuestTscKhz(this.hostTscKhz, this.vendor)) return -EINVAL;
    this.#defaultTscKhz = userKhz === 0 ? this.hostTscKhz : userKhz;
    return 0;
  }

  /**
   * `KVM_SET_TSC_KHZ` on a vCPU of the VM: {@link VcpuTsc.ioctlSetTscKhz}, after which `resync` writes the counter what it
   * read before, as user space would.
   *
   * @param vcpu - one of {@link vcpus}.
   * @param khz - the ioctl's argument, u64; taken mod 2^32 as the kernel does.
   * @returns 0, or −22 (−EINVAL); the counter is not written then.
   * @throws TypeError or RangeError unless `khz` is a u64 and `vcpu` belongs to this VM; DivideError as
   * {@link VcpuTsc.setTscKhz}.
   * Source: docs/model/clocksource-tsc §5.2 and docs/model/pvclock §10 (`resyncOnKhz`).
   */
  ioctlSetVcpuTscKhz(vcpu: VcpuTsc, khz: bigint): number {
    this.#checkOwn("VmTsc.ioctlSetVcpuTscKhz", vcpu);
    if (this.tscKhzChange === "jumps") return vcpu.ioctlSetTscKhz(khz);
    const before = vcpu.readL1(this.#surroundings.clock.tsc());
    const result = vcpu.ioctlSetTscKhz(khz);
    if (result === 0) this.#synchronize(vcpu, before);
    return result;
  }

  /**
   * Creates a vCPU at the default frequency and synchronises its counter with value 0: the first vCPU starts at 0 now, each
   * further one of the same frequency joins its generation.
   *
   * @returns the vCPU's counter, also in {@link vcpus}.
   * Source: `x86.c:kvm_arch_vcpu_postcreate`; docs/model/clocksource-tsc §6.3.
   */
  createVcpu(): VcpuTsc {
    const { hostTscKhz, vendor, hasTscScaling, tolerancePpm } = this;
    const vcpu = new VcpuTsc({
      hostTscKhz,
      vendor,
      hasTscScaling,
      tolerancePpm,
      userTscKhz: this.#defaultTscKhz,
      events: this.#vcpuEvents(),
    });
    this.#vcpus.push(vcpu);
    this.#synchronize(vcpu, undefined);
    return vcpu;
  }

  /**
   * User space writes a vCPU's IA32_TSC (`KVM_SET_MSRS`): the heuristic decides whether the value joins the present
   * generation or starts a new one. The very first write of user space is never corrected under `first-write-wins`.
   *
   * @param vcpu - one of {@link vcpus}.
   * @param value - the value written, u64.
   * @throws TypeError or RangeError unless `value` is a u64 and `vcpu` belongs to this VM.
   * Source: `x86.c:kvm_synchronize_tsc`; docs/model/clocksource-tsc §6.3.
   */
  hostWriteTsc(vcpu: VcpuTsc, value: bigint): void {
    this.#checkOwn("VmTsc.hostWriteTsc", vcpu);
    checkU64("VmTsc.hostWriteTsc", "value", value);
    this.#synchronize(vcpu, value);
  }

  /**
   * Sets `KVM_VCPU_TSC_OFFSET`: matched only when offset and frequency equal those of the last write exactly, so one cycle
   * of difference starts a new generation. (To get it, read {@link VcpuTsc.l1Offset}.)
   *
   * @param vcpu - one of {@link vcpus}.
   * @param offset - the L1 offset, u64 bit pattern.
   * @throws TypeError or RangeError unless `offset` is a u64 and `vcpu` belongs to this VM.
   * Source: `x86.c:kvm_arch_tsc_set_attr`; docs/model/clocksource-tsc §6.4.
   */
  setTscOffset(vcpu: VcpuTsc, offset: bigint): void {
    this.#checkOwn("VmTsc.setTscOffset", vcpu);
    checkU64("VmTsc.setTscOffset", "offset", offset);
    const matched =
      vcpu.virtualTscKhz !== 0 && this.#lastTscKhz === vcpu.virtualTscKhz && this.#last.offset === offset;
    const { clock } = this.#surroundings;
    const write = U(64, scaleTsc(clock.tsc(), vcpu.l1Ratio, vcpu.fractionBits) + offset);
    const ns = clock.kvmclockBaseNs();
    this.#userSetTsc = true;
    this.#commit(vcpu, { ns, write, offset }, matched);
  }

  /**
   * Loads a vCPU on a host CPU: pays back a suspend's adjustment, and on a change of CPU or with an unstable host TSC checks
   * that the counter did not go backwards, freezes it if it is not to be trusted, and asks for the updates that follow.
   *
   * @param vcpu - one of {@link vcpus}.
   * @param cpu - host CPU number, 0 … 2^31−1.
   * @throws TypeError or RangeError unless `cpu` is such a number and `vcpu` belongs to this VM.
   * Source: `x86.c:kvm_arch_vcpu_load`; docs/model/clocksource-tsc §6.6.
   */
  load(vcpu: VcpuTsc, cpu: number): void {
    this.#checkOwn("VmTsc.load", vcpu);
    checkInteger("VmTsc.load", "cpu", cpu, 0, 2 ** 31 - 1);
    const { clock, health, events = {} } = this.#surroundings;
    vcpu.applyOffsetAdjustment();
    const moved = vcpu.cpu !== cpu;
    if (!moved && health.stable) return;

    if (vcpu.lastHostTsc !== 0n && S(64, clock.tsc() - vcpu.lastHostTsc) < 0n) {
      health.markUnstable();
      events.onHostTscUnstable?.(vcpu);
    }
    if (!health.stable) vcpu.resumeWhereStopped(clock.tsc());
    events.onRestartHvTimer?.(vcpu);
    if (!this.useMasterClock || vcpu.cpu < 0) events.onGlobalClockUpdate?.(vcpu);
    if (moved) events.onMigrateTimer?.(vcpu);
    vcpu.noteLoaded(cpu);
  }

  /**
   * The host's counter fell back across a suspend: no master clock any more, no matching against writes from before, and
   * every vCPU gets `lost` cycles at its next load.
   *
   * @param lost - host cycles, u64.
   * @param localTsc - the host's counter now.
   * @throws TypeError or RangeError for an argument outside u64.
   * Source: `x86.c:kvm_arch_enable_virtualization_cpu`; docs/model/clocksource-tsc §6.6.
   */
  noteBackwardsHost(lost: bigint, localTsc: HostTsc): void {
    checkU64("VmTsc.noteBackwardsHost", "lost", lost);
    checkU64("VmTsc.noteBackwardsHost", "localTsc", localTsc);
    this.#backwardsTscObserved = true;
    for (const vcpu of this.#vcpus) {
      vcpu.noteBackwardsHost(lost, localTsc);
      this.#surroundings.events?.onMasterClockUpdate?.(vcpu);
    }
    this.#last = { ...this.#last, ns: 0n, write: 0n };
  }

  /** Asks for a clock update of every vCPU last loaded on `cpu`. */
  requestClockUpdates(cpu: number): void {
    checkInteger("VmTsc.requestClockUpdates", "cpu", cpu, 0, 2 ** 31 - 1);
    for (const vcpu of this.#vcpus) {
      if (vcpu.cpu === cpu) this.#surroundings.events?.onClockUpdate?.(vcpu);
    }
  }

  /** The whole state, vCPUs included, as plain JSON. */
  state(): VmTscState {
    return {
      hostTscKhz: this.hostTscKhz,
      vendor: this.vendor,
      hasTscScaling: this.hasTscScaling,
      tolerancePpm: this.tolerancePpm,
      defaultTscKhz: this.#defaultTscKhz,
      userTsc: this.userTsc,
      vcpuAddRefresh: this.vcpuAddRefresh,
      tscKhzChange: this.tscKhzChange,
      useMasterClock: this.useMasterClock,
      userSetTsc: this.#userSetTsc,
      backwardsTscObserved: this.#backwardsTscObserved,
      nrVcpusMatched: this.#nrVcpusMatched,
      generationNumber: String(this.#generationNumber),
      last: writeState(this.#last),
      lastTscKhz: this.#lastTscKhz,
      current: writeState(this.#current),
      vcpus: this.#vcpus.map((vcpu) => vcpu.state()),
    };
  }

  /**
   * A VM that goes on from a saved state. No event fires.
   *
   * @param state - what {@link state} gave.
   * @param surroundings - the host's clock and health, and where requests go.
   * @returns a VM equal to the saved one, with new vCPU counters.
   * @throws TypeError, RangeError or SyntaxError for a member that is no number of its width.
   */
  static fromState(state: VmTscState, surroundings: VmTscSurroundings): VmTsc {
    const vm = new VmTsc({ ...state, ...surroundings });
    vm.useMasterClock = state.useMasterClock;
    vm.#userSetTsc = state.userSetTsc;
    vm.#backwardsTscObserved = state.backwardsTscObserved;
    checkU32("VmTsc.fromState", "nrVcpusMatched", state.nrVcpusMatched);
    vm.#nrVcpusMatched = state.nrVcpusMatched;
    vm.#generationNumber = BigInt(state.generationNumber);
    checkU64("VmTsc.fromState", "generationNumber", vm.#generationNumber);
    vm.#last = readWrite("last", state.last);
    checkU32("VmTsc.fromState", "lastTscKhz", state.lastTscKhz);
    vm.#lastTscKhz = state.lastTscKhz;
    vm.#current = readWrite("current", state.current);
    for (const vcpu of state.vcpus) vm.#vcpus.push(VcpuTsc.fromState(vcpu, vm.#vcpuEvents()));
    return vm;
  }

  /** `userValue` is undefined at vCPU creation, which synchronises with 0 but is no write of user space. */
  #synchronize(vcpu: VcpuTsc, userValue: bigint | undefined): void {
    const { clock, health } = this.#surroundings;
    let data = userValue ?? 0n;
    let offset = vcpu.offsetFor(data, clock.tsc());
    const ns = clock.kvmclockBaseNs();
    const elapsed = U(64, ns - this.#last.ns);
    const inStep = this.#isInStep(vcpu, data, elapsed);
    // After the test: the first write of user space must not be matched because of itself.
    if (userValue !== undefined) this.#userSetTsc = true;

    const matched = inStep && vcpu.virtualTscKhz === this.#lastTscKhz;
    if (matched && health.stable) {
      offset = this.#current.offset;
    } else if (matched) {
      data = U(64, data + vcpu.nsToCycles(elapsed));
      offset = vcpu.offsetFor(data, clock.tsc());
    }
    this.#commit(vcpu, { ns, write: data, offset }, matched);
  }

  #isInStep(vcpu: VcpuTsc, data: bigint, elapsed: bigint): boolean {
    if (vcpu.virtualTscKhz === 0) return false;
    if (data === 0n) return true;
    if (this.userTsc === "first-write-wins" && !this.#userSetTsc) return false;
    // ±1 s of guest cycles around the last write carried forward. The sums wrap; both comparisons are strict.
    const expected = U(64, this.#last.write + vcpu.nsToCycles(elapsed));
    const second = BigInt(vcpu.virtualTscKhz) * 1000n;
    return data < U(64, expected + second) && U(64, data + second) > expected;
  }

  #commit(vcpu: VcpuTsc, write: TscWrite, matched: boolean): void {
    this.#last = write;
    this.#lastTscKhz = vcpu.virtualTscKhz;
    vcpu.noteGuestTsc(write.write as GuestTsc);
    vcpu.writeL1Offset(write.offset);
    if (!matched) {
      this.#generationNumber = U(64, this.#generationNumber + 1n);
      this.#current = write;
      this.#nrVcpusMatched = 0;
    } else if (vcpu.generation.number !== this.#generationNumber) {
      this.#nrVcpusMatched += 1;
    }
    vcpu.joinGeneration({ number: this.#generationNumber, ns: this.#current.ns, write: this.#current.write });
    if (this.#needsMasterClockUpdate(!matched)) this.#surroundings.events?.onMasterClockUpdate?.(vcpu);
    this.#surroundings.events?.onTscTracked?.(vcpu);
  }

  #needsMasterClockUpdate(newGeneration: boolean): boolean {
    const wants = this.wantsMasterClock;
    if (this.vcpuAddRefresh === "always") return this.useMasterClock || wants;
    return (this.useMasterClock && newGeneration) || this.useMasterClock !== wants;
  }

  #vcpuEvents(): VcpuTscEvents {
    const { events = {} } = this.#surroundings;
    return {
      onClockUpdate: (vcpu) => events.onClockUpdate?.(vcpu),
      onRatioWritten: (vcpu, ratio) => events.onRatioWritten?.(vcpu, ratio),
      onOffsetWritten: (vcpu, from) => events.onOffsetWritten?.(vcpu, from),
    };
  }

  #checkOwn(fn: string, vcpu: VcpuTsc): void {
    if (!this.#vcpus.includes(vcpu)) throw new RangeError(`${fn}: expected a vCPU of this VM, got another`);
  }
}

function writeState({ ns, write, offset }: TscWrite): TscWriteState {
  return { ns: String(ns), write: String(write), offset: String(offset) };
}

function readWrite(name: string, state: TscWriteState): TscWrite {
  const write = { ns: BigInt(state.ns), write: BigInt(state.write), offset: BigInt(state.offset) };
  checkU64("VmTsc.fromState", `${name}.ns`, write.ns);
  checkU64("VmTsc.fromState", `${name}.write`, write.write);
  checkU64("VmTsc.fromState", `${name}.offset`, write.offset);
  return write;
}
