import type { KvmclockNs } from "@chronovisor/clocksource";
import { checkInteger, checkU64, savedU64 } from "../arguments.js";
import { EINVAL, EOPNOTSUPP } from "../errno.js";
import { GuestArea, type GuestAreaState } from "../vm/guest-area.js";
import { SHARED_INFO_LAYOUTS } from "../vm/shared-info-layout.js";
import type { XenVm } from "../vm/xen-vm.js";
import { writeRunstate } from "./runstate-area.js";
import {
  RUNSTATE_OFFLINE,
  RUNSTATE_RUNNABLE,
  RUNSTATE_RUNNING,
  type RunstateAttribute,
  type RunstateTimes,
  type RunstateValue,
} from "./runstate-types.js";

/** Under ADJUST: keep the state in force. */
const KEEP_STATE = 2n ** 64n - 1n;
const U = BigInt.asUintN;

/** What runstate accounting is built from. */
export interface RunstateOptions {
  readonly vm: XenVm;
  /** KVM's reading of the guest clock now (`get_kvmclock_ns`). */
  readonly kvmclockNs: () => KvmclockNs;
  /**
   * Nanoseconds the vCPU's thread has waited for a host CPU so far, u64. Absent: the host keeps no scheduler statistics, and
   * every attribute is refused.
   */
  readonly runDelayNs?: () => bigint;
}

/** JSON form of a {@link Runstate}. */
export interface RunstateState {
  readonly state: RunstateValue;
  readonly entryTimeNs: string;
  readonly timesNs: readonly string[];
  readonly lastStealNs: string;
  readonly area: GuestAreaState;
}

/**
 * Where a vCPU's time went: running, runnable, blocked, offline, with the wait for a host CPU taken out of running as
 * runnable, which a guest reads as stolen (`kvm_xen_update_runstate`; docs/model/xen-timer §9).
 *
 * All sums are u64 and wrap. Under `wrap` a guest clock that stepped back, or more waiting than time passed, makes a time
 * huge; under `clamped` the first counts as nothing and the second as no more than passed.
 *
 * @example
 * const wallClock = { realtimeNs: () => 0n, kvmclockNs: () => 0n, epochNs: () => 0n };
 * let now = 1_000n;
 * let waited = 0n;
 * const runstate = new Runstate({ vm: new XenVm({ wallClock }), kvmclockNs: () => now, runDelayNs: () => waited });
 * runstate.update(RUNSTATE_RUNNING);
 * [now, waited] = [1_500n, 200n];
 * runstate.update(RUNSTATE_BLOCKED);
 * runstate.timesNs // => [ 300n, 200n, 0n, 1000n ]
 */
export class Runstate {
  /** `vcpu_runstate_info` in guest memory, at any alignment, in one piece or two. */
  readonly area: GuestArea = new GuestArea("vcpu_runstate_info", SHARED_INFO_LAYOUTS["32-bit"].runstateBytes);
  readonly #options: RunstateOptions;
  #state: RunstateValue = RUNSTATE_RUNNING;
  #entryTime = 0n;
  #times: RunstateTimes = [0n, 0n, 0n, 0n];
  #lastSteal = 0n;

  constructor(options: RunstateOptions) {
    this.#options = options;
  }

  /** The state in force. Before the first update the kernel's field says running, and is read as offline by it. */
  get current(): RunstateValue {
    return this.#state;
  }

  /** Guest clock at the last update, ns. */
  get entryTimeNs(): bigint {
    return this.#entryTime;
  }

  /** Nanoseconds in each state. */
  get timesNs(): RunstateTimes {
    return [...this.#times];
  }

  /** KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR: registers the guest's area and writes it. Returns 0, or −95 (−EOPNOTSUPP). */
  register(...pieces: readonly Uint8Array[]): number {
    if (!this.#supported) return -EOPNOTSUPP;
    this.area.activate(...pieces);
    this.#copyToGuest("may-sleep");
    return 0;
  }

  /**
   * Accounts for the state that ends and enters the next. Preemption means runnable; its copy to the guest may not sleep, so
   * an area the host took away stays stale.
   *
   * @param next - 0 … 3.
   * @throws RangeError or TypeError for another number.
   */
  update(next: RunstateValue): void {
    checkInteger("Runstate.update", "next", next, RUNSTATE_RUNNING, RUNSTATE_OFFLINE);
    const now: bigint = this.#options.kvmclockNs();
    const runDelay = this.#runDelay();
    // The entry time of a vCPU that never ran: it was offline since the guest clock's 0.
    const ending = this.#entryTime === 0n ? RUNSTATE_OFFLINE : this.#state;
    const { passed, stolen } = this.#split(
      U(64, now - this.#entryTime),
      U(64, runDelay - this.#lastSteal),
      ending,
    );
    const times = [...this.#times] as [bigint, bigint, bigint, bigint];
    times[RUNSTATE_RUNNABLE] = U(64, times[RUNSTATE_RUNNABLE] + stolen);
    times[ending] = U(64, times[ending] + passed);
    this.#times = times;
    this.#lastSteal = runDelay;
    this.#state = next;
    this.#entryTime = now;
    this.#copyToGuest(next === RUNSTATE_RUNNABLE ? "atomic" : "may-sleep");
  }

  /**
   * KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_CURRENT.
   *
   * @param state - u64; above 3 is refused.
   * @returns 0, −22 (−EINVAL) or −95 (−EOPNOTSUPP).
   * @throws RangeError or TypeError for anything but a u64.
   */
  setCurrent(state: bigint): number {
    checkU64("Runstate.setCurrent", "state", state);
    if (!this.#supported) return -EOPNOTSUPP;
    if (!isRunstate(state)) return -EINVAL;
    this.update(Number(state) as RunstateValue);
    return 0;
  }

  /**
   * KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA: takes everything over, and counts waiting from now on.
   *
   * @param data - the times' sum must be the entry time, which must not be ahead of the guest clock.
   * @returns 0, −22 (−EINVAL) or −95 (−EOPNOTSUPP).
   * @throws RangeError or TypeError for a field that is no u64.
   */
  setData(data: RunstateAttribute): number {
    checkAttribute("Runstate.setData", data);
    if (!this.#supported) return -EOPNOTSUPP;
    if (!isRunstate(data.state) || !sumsUp(data)) return -EINVAL;
    if (this.#options.kvmclockNs() < data.entryTimeNs) return -EINVAL;
    this.#state = Number(data.state) as RunstateValue;
    this.#entryTime = data.entryTimeNs;
    this.#times = [...data.timesNs];
    this.#lastSteal = this.#runDelay();
    return 0;
  }

  /**
   * KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADJUST: adds to every field, mod 2^64, and enters a state unless it is to be kept.
   *
   * @param change - as {@link setData}, with 2^64 − 1 as state to keep the one in force.
   * @returns 0, −22 (−EINVAL) or −95 (−EOPNOTSUPP).
   * @throws RangeError or TypeError for a field that is no u64.
   */
  adjust(change: RunstateAttribute): number {
    checkAttribute("Runstate.adjust", change);
    if (!this.#supported) return -EOPNOTSUPP;
    const keeps = change.state === KEEP_STATE;
    if (!(keeps || isRunstate(change.state)) || !sumsUp(change)) return -EINVAL;
    const entryTime = U(64, this.#entryTime + change.entryTimeNs);
    if (this.#options.kvmclockNs() < entryTime) return -EINVAL;
    this.#entryTime = entryTime;
    const [running, runnable, blocked, offline] = change.timesNs;
    const times = this.#times;
    this.#times = [
      U(64, times[0] + running),
      U(64, times[1] + runnable),
      U(64, times[2] + blocked),
      U(64, times[3] + offline),
    ];
    if (keeps) this.#copyToGuest("may-sleep");
    else this.update(Number(change.state) as RunstateValue);
    return 0;
  }

  /** KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA read back, or −95 (−EOPNOTSUPP). ADJUST cannot be read: −EINVAL in the kernel. */
  getData(): RunstateAttribute | number {
    if (!this.#supported) return -EOPNOTSUPP;
    return { state: BigInt(this.#state), entryTimeNs: this.#entryTime, timesNs: this.timesNs };
  }

  /** A JSON-safe copy; the area's bytes are the guest's memory. */
  state(): RunstateState {
    return {
      state: this.#state,
      entryTimeNs: this.#entryTime.toString(),
      timesNs: this.#times.map(String),
      lastStealNs: this.#lastSteal.toString(),
      area: this.area.state(),
    };
  }

  /**
   * The accounting `state` was taken from.
   *
   * @param state - what {@link state} gave.
   * @param options - the parts of the new one.
   * @param area - the area's bytes; unused when none was registered.
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(
    state: RunstateState,
    options: RunstateOptions,
    area: readonly Uint8Array[] = [],
  ): Runstate {
    const fn = "Runstate.fromState";
    const runstate = new Runstate(options);
    checkInteger(fn, "state", state.state, RUNSTATE_RUNNING, RUNSTATE_OFFLINE);
    checkInteger(fn, "the number of timesNs", state.timesNs.length, 4, 4);
    const times = state.timesNs.map((decimal, i) => savedU64(fn, `timesNs[${i}]`, decimal));
    runstate.#state = state.state;
    runstate.#entryTime = savedU64(fn, "entryTimeNs", state.entryTimeNs);
    runstate.#times = times as unknown as RunstateTimes;
    runstate.#lastSteal = savedU64(fn, "lastStealNs", state.lastStealNs);
    runstate.area.restore(state.area, area);
    return runstate;
  }

  get #supported(): boolean {
    return this.#options.runDelayNs !== undefined;
  }

  #runDelay(): bigint {
    const runDelay = this.#options.runDelayNs?.() ?? 0n;
    checkU64("Runstate", "runDelayNs()", runDelay);
    return runDelay;
  }

  /** What of `elapsed` belongs to the state that ends, and what was stolen: only a running vCPU can be stolen from. */
  #split(elapsed: bigint, waited: bigint, ending: RunstateValue): { passed: bigint; stolen: bigint } {
    const clamped = this.#options.vm.behaviours.runstate === "clamped";
    const passed = clamped && BigInt.asIntN(64, elapsed) < 0n ? 0n : elapsed;
    if (ending !== RUNSTATE_RUNNING) return { passed, stolen: 0n };
    const stolen = clamped && waited > passed ? passed : waited;
    return { passed: U(64, passed - stolen), stolen };
  }

  #copyToGuest(context: "atomic" | "may-sleep"): void {
    const { layout, runstateUpdateFlag } = this.#options.vm;
    const mapped = context === "atomic" ? this.area.mapping === "mapped" : this.area.refresh();
    if (!mapped || this.area.length < layout.runstateBytes) return;
    const snapshot = { state: this.#state, entryTimeNs: this.#entryTime, timesNs: this.#times };
    writeRunstate(this.area, layout, snapshot, runstateUpdateFlag ? "flagged" : "plain");
  }
}

function isRunstate(state: bigint): boolean {
  return state <= BigInt(RUNSTATE_OFFLINE);
}

function sumsUp({ entryTimeNs, timesNs }: RunstateAttribute): boolean {
  return U(64, timesNs[0] + timesNs[1] + timesNs[2] + timesNs[3]) === entryTimeNs;
}

function checkAttribute(fn: string, { state, entryTimeNs, timesNs }: RunstateAttribute): void {
  checkU64(fn, "state", state);
  checkU64(fn, "entryTimeNs", entryTimeNs);
  checkInteger(fn, "the number of timesNs", timesNs.length, 4, 4);
  for (const [i, ns] of timesNs.entries()) checkU64(fn, `timesNs[${i}]`, ns);
}
