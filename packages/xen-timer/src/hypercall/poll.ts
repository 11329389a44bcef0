import { checkInteger, checkU64 } from "../arguments.js";
import type { XenTimerBehaviours } from "../behaviours.js";
import { EFAULT, EINVAL } from "../errno.js";
import type { HypercallMode } from "./abi.js";
import { copyFromGuest, type XenGuestMemory } from "./guest-memory.js";

const NSEC_PER_SEC = 1_000_000_000n;
/** Xen's unofficial limit of the list. */
const MAX_POLLED_PORTS = 128;
const PORT_BYTES = 4;

/** `sched_poll`: pointer to the ports, u32 nr_ports, u64 timeout. */
const LAYOUTS = {
  "32-bit": { bytes: 16, nrPorts: 4, timeout: 8 },
  "64-bit": { bytes: 24, nrPorts: 8, timeout: 16 },
} as const;

/** A poll, read and checked. */
export interface PollArgument {
  readonly ports: readonly number[];
  /** As the guest gave it: absolute by the interface, taken as relative by KVM. */
  readonly timeoutNs: bigint;
}

/** Where a poll is read from, and by which rules. */
export interface PollSource {
  readonly memory: XenGuestMemory;
  readonly mode: HypercallMode;
  readonly rule: XenTimerBehaviours["xenArgumentCopy"];
  /** Ports the VM's layout has room for. */
  readonly portLimit: number;
}

/** Reads the argument of SCHEDOP_poll, or answers the negated error number (docs/model/xen-timer §5). */
export function readPoll(pointer: bigint, source: PollSource): PollArgument | number {
  const layout = LAYOUTS[source.mode];
  const bytes = copyFromGuest(source.memory, pointer, layout.bytes, source.rule);
  if (bytes === undefined) return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const list = source.mode === "64-bit" ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
  const count = view.getUint32(layout.nrPorts, true);
  if (count > MAX_POLLED_PORTS) return -EINVAL;
  const ports = source.rule === "virtual" ? wholeList(list, count, source) : portByPort(list, count, source);
  return typeof ports === "number" ? ports : { ports, timeoutNs: view.getBigUint64(layout.timeout, true) };
}

/** The list is copied, then checked. */
function wholeList(list: bigint, count: number, source: PollSource): readonly number[] | number {
  const bytes = copyFromGuest(source.memory, list, count * PORT_BYTES, source.rule);
  if (bytes === undefined) return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const ports = Array.from({ length: count }, (_, i) => view.getUint32(i * PORT_BYTES, true));
  return ports.every((port) => port < source.portLimit) ? ports : -EINVAL;
}

/** 6.1 translates, reads and checks one port after the other, so the first fault of either kind answers. */
function portByPort(list: bigint, count: number, source: PollSource): readonly number[] | number {
  const ports: number[] = [];
  for (let i = 0; i < count; i++) {
    // u64: the list may wrap around the address space.
    const at = BigInt.asUintN(64, list + BigInt(i * PORT_BYTES));
    const bytes = copyFromGuest(source.memory, at, PORT_BYTES, source.rule);
    if (bytes === undefined) return -EFAULT;
    const port = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (port >= source.portLimit) return -EINVAL;
    ports.push(port);
  }
  return ports;
}

/**
 * The host ticks a poll's timeout lasts. The interface means an absolute time of the guest clock; KVM takes it as a delay.
 *
 * @param timeoutNs - u64; 0 means no timeout and is not asked here.
 * @param hz - the host's ticks per second, 1 … 10000.
 * @returns ticks, rounded down.
 * @throws RangeError or TypeError for an argument outside its domain.
 * Source: `xen.c:kvm_xen_schedop_poll`, `nsecs_to_jiffies`; docs/model/xen-timer §5.
 * @example
 * pollTimeoutJiffies(10_000_000n, 250) // => 2n
 */
export function pollTimeoutJiffies(timeoutNs: bigint, hz: number): bigint {
  checkU64("pollTimeoutJiffies", "timeoutNs", timeoutNs);
  checkInteger("pollTimeoutJiffies", "hz", hz, 1, 10_000);
  return (timeoutNs * BigInt(hz)) / NSEC_PER_SEC;
}
