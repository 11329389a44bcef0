/**
 * A VM's clock as its host keeps it. Guest time is the host's clock plus one offset; what makes it hard is that three ways lead
 * to it, at three rates:
 *
 *     A  base + kvmclockOffset                                what a new reference starts from
 *     B  the guest's TSC since the reference, guest's scale   what a guest on a master clock reads
 *     C  the host's TSC since the reference, host's scale     what the host takes for the guest's clock
 *
 * On a master clock all vCPUs share one reference and run on B from there. A new reference moves them from B back to A, and
 * the clock jumps by what the two drifted apart: −5.13 ms per day at 2.5 GHz unscaled, −39.7 ms at 3.0 → 2.5 GHz.
 *
 * Source: `arch/x86/kvm/x86.c`; docs/model/pvclock §2 to §8.
 */

import type { HostTsc, KvmclockNs } from "@chronovisor/clocksource";
import type { PvFeatures } from "../abi/msrs.js";
import type { VcpuTimeInfo } from "../abi/vcpu-time-info.js";
import { WALL_CLOCK_SIZE, writeWallClock } from "../abi/wall-clock.js";
import { checkBoolean, checkInteger, checkObject, checkOneOf, checkU64 } from "../argument-checks.js";
import { readCycles } from "../guest/read-cycles.js";
import { checkBehaviours, NEWEST_PVCLOCK_BEHAVIOURS, type PvclockBehaviours } from "./behaviours.js";
import { KVM_CLOCK_REALTIME, type KvmClockData, type KvmClockSetting, readSetting } from "./clock-data.js";
import { judgeGuestClock } from "./clock-guest.js";
import { ClockUpdates } from "./clock-updates.js";
import type {
  KvmclockVcpuTsc,
  MasterClockReference,
  VmKvmclockEvents,
  VmKvmclockOptions,
  VmKvmclockState,
  VmKvmclockSurroundings,
} from "./kvmclock-types.js";
import { MasterClock } from "./master-clock.js";
import { VcpuKvmclock } from "./vcpu-kvmclock.js";
import { KVMCLOCK_REQUESTS, type KvmclockRequest } from "./vcpu-requests.js";
import type { KvmclockVm } from "./vm-face.js";
import { restoreVm, savedMasterClock } from "./vm-state.js";

const U = BigInt.asUintN;
const EINVAL = 22;
/** Nothing is held to what CPUID offers unless the VMM asks for it. */
const UNENFORCED: PvFeatures = { eax: 0, enforced: false };

/**
 * A VM's clock: its master clock, its vCPUs' clocks, and what user space reads and sets.
 *
 * Nothing runs by itself. Requests wait until the owner calls {@link VcpuKvmclock.serviceRequests} on a vCPU's way into the
 * guest; work items are told as events and run when the owner calls them.
 *
 * @example
 * import { HostTscHealth, VmTsc } from "@chronovisor/clocksource";
 * const counter = { vclockMode: "tsc", cycleLast: 0n, mask: 2n ** 64n - 1n, mult: 6710886, shift: 24 } as const;
 * const clock = { ...counter, baseCycles: 0n, offset: 0n };
 * const copy = { mono: clock, raw: clock, offsBootNs: 0n, wallTimeSec: 1_700_000_000n };
 * let now = 0n;
 * const ns = () => (now * 6710886n) >> 24n;
 * const readings = { tsc: () => now, tscKhz: () => 2_500_000, rawNs: ns, boottimeNs: ns, realtimeNs: ns };
 * const host = { ...readings, copy: () => copy } as unknown as KvmclockHost;
 * const page = new Uint8Array(4096);
 * const memory = { map: (gpa: bigint, length: number) => page.subarray(Number(gpa), Number(gpa) + length) };
 *
 * const sync = { tsc: host.tsc, kvmclockBaseNs: () => kvmclockBaseNs(host, "raw") };
 * const axes = { userTsc: "first-write-wins", vcpuAddRefresh: "on-change" } as const;
 * const health = new HostTscHealth("tsc");
 * const shared = { hostTscKhz: 2_500_000, vendor: "vmx", ...axes, clock: sync, health } as const;
 * const tsc: VmTsc = new VmTsc({ ...shared, events: tscRequests(() => vm) });
 * const vm: VmKvmclock = new VmKvmclock({ host, memory, tsc });
 * const vcpu = vm.addVcpu(tsc.createVcpu());
 * vcpu.requests // => [ 'masterclock-update' ]
 *
 * vcpu.wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0x41n) // => true
 * vcpu.serviceRequests() // => 'entry'
 * decodeVcpuTimeInfo(page.subarray(0x40)).tscToSystemMul // => 3435973836
 * now = 2_500_000_000n * 1000n;
 * vm.getClock().clock // => 999999999767n
 * vm.updateMasterClock();
 * vm.getClock().clock // => 999999940395n
 */
export class VmKvmclock {
  readonly behaviours: PvclockBehaviours;
  readonly #master: MasterClock;
  readonly #surroundings: VmKvmclockSurroundings;
  readonly #events: VmKvmclockEvents;
  readonly #features: PvFeatures;
  readonly #hideTscStableFromXen: boolean;
  readonly #updates: ClockUpdates;
  readonly #face: KvmclockVm;
  #wallClockMsr = 0n;

  /**
   * Creates the VM's clock, reading 0 now; without vCPUs there is no master clock yet.
   *
   * @param options - see {@link VmKvmclockOptions}.
   * @throws TypeError or RangeError for an option outside its domain.
   * Source: `x86.c:kvm_arch_init_vm`; docs/model/pvclock §2, §3.1.
   */
  constructor(options: VmKvmclockOptions) {
    const fn = "VmKvmclock";
    checkObject(fn, "options", options);
    const { host, memory, tsc, behaviours = NEWEST_PVCLOCK_BEHAVIOURS } = options;
    checkObject(fn, "host", host);
    checkObject(fn, "memory", memory);
    checkObject(fn, "tsc", tsc);
    checkBehaviours(fn, behaviours);
    this.#hideTscStableFromXen = options.hideTscStableFromXen ?? false;
    checkBoolean(fn, "hideTscStableFromXen", this.#hideTscStableFromXen);
    this.behaviours = { ...behaviours };
    this.#surroundings = options;
    this.#events = options.events ?? {};
    checkObject(fn, "events", this.#events);
    this.#features = options.features ?? UNENFORCED;
    checkObject(fn, "features", this.#features);
    this.#master = new MasterClock(host, tsc, this.behaviours, () => this.#events.onCopyWrapped?.());
    this.#updates = new ClockUpdates({
      behaviours: this.behaviours,
      events: this.#events,
      isOnMasterClock: () => this.#master.numbers.useMasterClock,
      nowNs: () => host.rawNs(),
    });
    this.#face = this.#makeFace();
    this.#master.retake();
    this.#master.offsetFrom(0n, this.#master.baseNs());
  }

  // What it knows

  /** The VM's vCPUs in order of creation. */
  get vcpus(): readonly VcpuKvmclock[] {
    return this.#updates.vcpus;
  }

  /** The reference last taken, and whether the VM runs on it. */
  get reference(): MasterClockReference {
    const { useMasterClock, hostTsc, kernelNs } = this.#master.numbers;
    return { useMasterClock, hostTsc, kernelNs };
  }

  /** From the host's clock to the guest's, ns, s64 (`kvmclock_offset`). */
  get kvmclockOffset(): bigint {
    return this.#master.numbers.kvmclockOffset;
  }

  /** Whether the boot vCPU chose the old system-time MSR, which keeps master clock off. */
  get bootVcpuRunsOldKvmclock(): boolean {
    return this.#master.numbers.bootVcpuRunsOldKvmclock;
  }

  /** Whether {@link runGlobalUpdate} is due. */
  get isGlobalUpdateQueued(): boolean {
    return this.#updates.isGlobalQueued;
  }

  /** The host clock behind kvmclock, now, ns, u64: what a `VmTsc` of this VM measures TSC writes by. */
  baseNs(): bigint {
    return this.#master.baseNs();
  }

  /**
   * The guest's clock at a host TSC as the host computes it from the last reference: Definition C. It means something on a
   * master clock only.
   *
   * @param tsc - host TSC, u64.
   * @returns ns, WRAPPED at 64 bits.
   * @throws TypeError or RangeError unless `tsc` is a u64, or while the host's frequency is not known.
   * Source: `x86.c:__get_kvmclock`; docs/model/pvclock §6.
   */
  kvmclockAt(tsc: HostTsc): KvmclockNs {
    checkU64("VmKvmclock.kvmclockAt", "tsc", tsc);
    return this.#master.at(tsc);
  }

  // vCPUs and their requests

  /**
   * Adds the clock of a vCPU whose counter exists, with nothing published. The first one starts the periodic sync.
   *
   * @param tsc - the vCPU's counter.
   * @param id - KVM's vCPU id, u32; 0 is the boot vCPU. Default: the number of vCPUs before it.
   * @returns the vCPU's clock, also in {@link vcpus}.
   * @throws TypeError or RangeError for an argument outside its domain.
   * Source: `x86.c:kvm_arch_vcpu_postcreate`; docs/model/pvclock §5.4.
   */
  addVcpu(tsc: KvmclockVcpuTsc, id: number = this.vcpus.length): VcpuKvmclock {
    checkObject("VmKvmclock.addVcpu", "tsc", tsc);
    checkInteger("VmKvmclock.addVcpu", "id", id, 0, 2 ** 32 - 1);
    const vcpu = new VcpuKvmclock(id, tsc, this.#face);
    this.#updates.add(vcpu);
    return vcpu;
  }

  /**
   * Passes on what a counter asks for. A counter asks already while it is created: that is kept for {@link addVcpu}.
   *
   * @param tsc - the counter.
   * @param request - what it asks for.
   * @throws RangeError for an unknown request.
   */
  requestFor(tsc: KvmclockVcpuTsc, request: KvmclockRequest): void {
    checkObject("VmKvmclock.requestFor", "tsc", tsc);
    checkOneOf("VmKvmclock.requestFor", "request", request, KVMCLOCK_REQUESTS);
    this.#updates.requestFor(tsc, request);
  }

  /** Asks every vCPU for a new master-clock reference and kicks it: each of them takes one. */
  requestMasterClockUpdates(): void {
    this.#updates.interruptAll("masterclock-update");
  }

  /** Xen's shared_info was mapped, or its layout latched: until v7.3 that took a new reference (docs/model/pvclock §3.3). */
  noteXenSharedInfo(): void {
    if (this.behaviours.xenMapYank === "yank") this.requestMasterClockUpdates();
  }

  // Work

  /**
   * Takes a new reference at once, if the conditions for a master clock hold, and asks every vCPU for a clock update. On
   * return no vCPU may be in guest mode until it has had one: they were all kicked.
   *
   * Source: `x86.c:kvm_update_masterclock`; docs/model/pvclock §3.2.
   */
  updateMasterClock(): void {
    this.#retake();
    this.#updates.requestAll("clock-update");
  }

  /**
   * The work of a global update: every vCPU is asked for a clock update and kicked.
   *
   * @throws RangeError unless it was queued.
   * Source: `x86.c:kvmclock_update_fn`; docs/model/pvclock §5.4.
   */
  runGlobalUpdate(): void {
    this.#updates.runGlobal();
  }

  /**
   * The periodic sync: a global update at once, and the next sync after 300 s.
   *
   * @throws RangeError where the kernel has none.
   * Source: `x86.c:kvmclock_sync_fn`; docs/model/pvclock §5.4.
   */
  runPeriodicSync(): void {
    this.#updates.runPeriodicSync();
  }

  // User space

  /** `KVM_GET_CLOCK`: the guest's clock now, as the host computes it (docs/model/pvclock §6, §7). */
  getClock(): KvmClockData {
    return this.#master.now();
  }

  /**
   * `KVM_SET_CLOCK`: takes a new reference, and puts the guest's clock at `clock` there. With {@link KVM_CLOCK_REALTIME} the
   * clock is moved on by what CLOCK_REALTIME advanced since `realtime`, never back; that is read after the reference, so the
   * clock ends up ahead by the gap.
   *
   * @param setting - see {@link KvmClockSetting}.
   * @returns 0, or −22 (−EINVAL) for an unknown flag; nothing has changed then.
   * @throws TypeError or RangeError for a member outside its width.
   * Source: `x86.c:kvm_vm_ioctl_set_clock`; docs/model/pvclock §7.
   */
  setClock(setting: KvmClockSetting): number {
    const read = readSetting("VmKvmclock.setClock", setting);
    if (read === undefined) return -EINVAL;
    this.#retake();
    let { clock } = read;
    if (read.flags & KVM_CLOCK_REALTIME) {
      const now = U(64, this.#surroundings.host.realtimeNs());
      if (now > read.realtime) clock = U(64, clock + now - read.realtime);
    }
    this.#master.setClock(clock);
    this.#updates.requestAll("clock-update");
    return 0;
  }

  /** CLOCK_REALTIME at which the guest's clock was 0, ns, u64 (`kvm_get_wall_clock_epoch`; docs/model/pvclock §6). */
  wallClockEpochNs(): bigint {
    return this.#master.epochNs();
  }

  /**
   * `KVM_GET_CLOCK_GUEST`, proposed: the structure a vCPU's guest reads by, exact, for {@link setClockGuest} elsewhere. A
   * clock update that is still to be done is done first.
   *
   * @param vcpu - one of {@link vcpus}.
   * @returns the structure, or −22 (−EINVAL) without a master clock.
   * @throws RangeError unless `vcpu` is of this VM.
   * Source: "Cleaning up the KVM clock mess"; docs/model/pvclock §10 (`clockGuestIoctl`).
   */
  getClockGuest(vcpu: VcpuKvmclock): VcpuTimeInfo | number {
    this.#checkOwn("VmKvmclock.getClockGuest", vcpu);
    if (!this.#master.numbers.useMasterClock) return -EINVAL;
    vcpu.bringUpToDate();
    return vcpu.cached;
  }

  /**
   * `KVM_SET_CLOCK_GUEST`, proposed: makes the guest's clock the function of its TSC that the structure says. Takes a new
   * reference; the offset, which counts whole ns, makes it exact to about 1 ns.
   *
   * @param vcpu - one of {@link vcpus}, its counter already restored.
   * @param info - what {@link getClockGuest} gave.
   * @returns 0; −22 (−EINVAL) without a master clock, for a multiplier of 0, a shift outside −31 … 31, or a guest TSC still
   * below the structure's; −34 (−ERANGE) when its frequency is not the vCPU's within 1 kHz.
   * @throws RangeError unless `vcpu` is of this VM, or for a field outside its width.
   * Source: "Cleaning up the KVM clock mess", v6; docs/model/pvclock §10 (`clockGuestIoctl`).
   */
  setClockGuest(vcpu: VcpuKvmclock, info: VcpuTimeInfo): number {
    this.#checkOwn("VmKvmclock.setClockGuest", vcpu);
    const { host } = this.#surroundings;
    const verdict = judgeGuestClock(info, vcpu.tsc, host.tscKhz(), vcpu.tsc.readL1(host.tsc()));
    if (!this.#master.numbers.useMasterClock) return -EINVAL;
    if (verdict !== 0) return verdict;
    this.#retake();
    const { hostTsc, kernelNs } = this.#master.numbers;
    this.#master.offsetFrom(readCycles(info, vcpu.tsc.readL1(hostTsc)), kernelNs);
    this.#updates.requestAll("clock-update");
    return 0;
  }

  /** The whole state, vCPUs included, as plain JSON. The counters and the host keep their own. */
  state(): VmKvmclockState {
    return {
      behaviours: this.behaviours,
      hideTscStableFromXen: this.#hideTscStableFromXen,
      ...savedMasterClock(this.#master.numbers),
      wallClockMsr: String(this.#wallClockMsr),
      globalUpdateQueued: this.#updates.isGlobalQueued,
      loadRateLimit: this.#updates.loadRateLimitState,
      vcpus: this.vcpus.map((vcpu) => vcpu.state()),
    };
  }

  /**
   * A VM's clock that goes on from a saved state. No event fires; work that was queued is still to be run.
   *
   * @param state - what {@link state} gave.
   * @param surroundings - host, guest memory, counters (one per saved vCPU), and where events go.
   * @returns a clock equal to the saved one.
   * @throws TypeError, RangeError or SyntaxError for a member that is no number of its width.
   */
  static fromState(state: VmKvmclockState, surroundings: VmKvmclockSurroundings): VmKvmclock {
    const fn = "VmKvmclock.fromState";
    checkObject(fn, "state", state);
    checkObject(fn, "surroundings", surroundings);
    const restored = restoreVm(state);
    const vm = new VmKvmclock({ ...surroundings, ...restored.options });
    vm.#master.restore(restored.master);
    vm.#wallClockMsr = restored.wallClockMsr;
    vm.#updates.restore(state.globalUpdateQueued, state.loadRateLimit);
    const { vcpus } = surroundings.tsc;
    if (vcpus.length !== state.vcpus.length) {
      throw new RangeError(`${fn}: expected ${state.vcpus.length} counters, got ${vcpus.length}`);
    }
    state.vcpus.forEach((saved, index) => {
      const vcpu = new VcpuKvmclock(saved.id, vcpus[index] as KvmclockVcpuTsc, vm.#face);
      vcpu.restore(saved);
      vm.#updates.vcpus.push(vcpu);
    });
    return vm;
  }

  #retake(): void {
    this.#updates.kickAll();
    const update = this.#master.retake();
    if (update.useMasterClock) this.#surroundings.notifier?.noteMasterClock();
    if (this.behaviours.masterClockRequests === "once") this.#updates.withdrawAll("masterclock-update");
    this.#events.onMasterClockUpdate?.(update);
  }

  #chooseFlavour(vcpu: VcpuKvmclock, isOldNumber: boolean): void {
    if (this.#master.numbers.bootVcpuRunsOldKvmclock === isOldNumber) return;
    this.#master.bootVcpuRunsOldKvmclock = isOldNumber;
    vcpu.request("masterclock-update");
  }

  #writeWallClock(value: bigint, areaGpa: bigint | undefined): void {
    this.#wallClockMsr = value;
    if (areaGpa === undefined) return;
    const bytes = this.#surroundings.memory.map(areaGpa, WALL_CLOCK_SIZE);
    if (bytes !== undefined) writeWallClock(bytes, this.#master.epochNs());
  }

  #checkOwn(fn: string, vcpu: VcpuKvmclock): void {
    if (!this.vcpus.includes(vcpu)) throw new RangeError(`${fn}: expected a vCPU of this VM, got another`);
  }

  #makeFace(): KvmclockVm {
    const vm = this;
    return {
      behaviours: vm.behaviours,
      stoppedFlag: vm.behaviours.stoppedFlag,
      features: vm.#features,
      host: vm.#surroundings.host,
      memory: vm.#surroundings.memory,
      events: vm.#events,
      hideTscStableFromXen: vm.#hideTscStableFromXen,
      get kvmclockOffset() {
        return vm.#master.numbers.kvmclockOffset;
      },
      get isTscStable() {
        return vm.#master.numbers.isTscStable;
      },
      get wallClockMsr() {
        return vm.#wallClockMsr;
      },
      referenceNow: () => vm.#master.referenceNow(),
      kvmclockAt: (tsc) => vm.#master.at(tsc),
      updateMasterClock: () => vm.updateMasterClock(),
      requestGlobalUpdate: (vcpu, source) => vm.#updates.requestGlobal(vcpu, source),
      spreadClockUpdate: (vcpu) => vm.#updates.spread(vcpu),
      chooseFlavour: (vcpu, isOldNumber) => vm.#chooseFlavour(vcpu, isOldNumber),
      writeWallClock: (value, areaGpa) => vm.#writeWallClock(value, areaGpa),
    };
  }
}
