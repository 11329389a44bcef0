import type { RealtimeNs } from "@chronovisor/clocksource";
import {
  type DeliveryResult,
  type HypercallMode,
  type HypercallRegisters,
  type XenGuestMemory,
  type XenTimerBehaviours,
  type XenTimerExpiry,
  type XenTimerStart,
  XenVcpu,
  type XenVcpuOptions,
  XenVm,
  type XenVmOptions,
} from "../src/index.js";
import { FakeHost } from "./fake-host.js";

/** The two kernels the specification was read from. */
export const KERNEL_6_1: XenTimerBehaviours = {
  xenStart: "split-samples",
  xenFutureFlag: "etime",
  xenDelivery: "deferred",
  xenTimerClock: "cached",
  xenArgumentCopy: "physical",
  xenRouting: "in-kernel",
  runstate: "wrap",
  xenWallClock: "split-reads",
  xenLatch: "silent",
  xenMapYank: "yank",
};
export const KERNEL_6_12: XenTimerBehaviours = {
  ...KERNEL_6_1,
  xenStart: "single-sample",
  xenFutureFlag: "ignored",
  xenDelivery: "fast",
  xenArgumentCopy: "virtual",
  xenWallClock: "single-read",
  xenLatch: "rewrites-wall-clock",
};

const PAGE = 4096n;

/** Guest memory of single pages: each virtual page goes where a test puts it. */
export class FakeMemory implements XenGuestMemory {
  readonly tables: Map<bigint, bigint> = new Map<bigint, bigint>();
  readonly pages: Map<bigint, Uint8Array> = new Map<bigint, Uint8Array>();

  /** Maps the page at `virtual` to the physical page at `physical`, creating it. */
  map(virtual: bigint, physical: bigint): Uint8Array {
    this.tables.set(virtual / PAGE, physical / PAGE);
    return this.page(physical);
  }
  /** The physical page at `physical`, created where there is none. */
  page(physical: bigint): Uint8Array {
    const page = this.pages.get(physical / PAGE) ?? new Uint8Array(Number(PAGE));
    this.pages.set(physical / PAGE, page);
    return page;
  }
  translate(virtual: bigint): bigint | undefined {
    const page = this.tables.get(virtual / PAGE);
    return page === undefined ? undefined : page * PAGE + (virtual % PAGE);
  }
  read(physical: bigint, length: number): Uint8Array | undefined {
    const bytes = new Uint8Array(length);
    for (let i = 0n; i < BigInt(length); i++) {
      const page = this.pages.get((physical + i) / PAGE);
      if (page === undefined) return undefined;
      bytes[Number(i)] = page[Number((physical + i) % PAGE)] as number;
    }
    return bytes;
  }
}

/** What a guest of a test is made of. */
export interface Guest {
  readonly host: FakeHost;
  readonly vm: XenVm;
  readonly xen: XenVcpu;
  readonly options: XenVcpuOptions;
  readonly vmOptions: XenVmOptions;
  readonly memory: FakeMemory;
  /** The shared page and vcpu_info, as the guest sees them. */
  readonly page: Uint8Array;
  readonly vcpuInfo: Uint8Array;
  /** Everything the vCPU was asked for and told, in order. */
  readonly log: string[];
  readonly starts: XenTimerStart[];
  readonly call: (registers: Partial<HypercallRegisters>, mode?: HypercallMode) => unknown;
}

const ZERO: HypercallRegisters = {
  rax: 0n,
  rbx: 0n,
  rcx: 0n,
  rdx: 0n,
  rsi: 0n,
  rdi: 0n,
  rbp: 0n,
  r8: 0n,
  r9: 0n,
  r10: 0n,
};

/** The timer's port in every test: bit 5 of byte 1, word 0. */
export const PORT = 13;
export const PRIORITY = 0xffff_ffff;

/** A guest of one vCPU with its page mapped, vcpu_info registered and VIRQ_TIMER on {@link PORT}. */
export function guest(behaviours: XenTimerBehaviours, overrides: Partial<XenVmOptions> = {}): Guest {
  const host = new FakeHost();
  const log: string[] = [];
  const starts: XenTimerStart[] = [];
  const memory = new FakeMemory();
  const vmOptions: XenVmOptions = {
    wallClock: {
      realtimeNs: () => (1_700_000_000_000_000_000n + host.now) as RealtimeNs,
      kvmclockNs: () => host.kvmclockNs(),
      epochNs: () => 1_700_000_001_000_000_000n,
    },
    requestMasterClockUpdate: () => log.push("master-clock-update"),
    behaviours,
    ...overrides,
  };
  const vm = new XenVm(vmOptions);
  const page = new Uint8Array(4096);
  const vcpuInfo = new Uint8Array(64);
  const options: XenVcpuOptions = {
    vm,
    index: 0,
    vcpu: {
      requestUnblock: () => log.push("unblock"),
      kick: () => log.push("kick"),
      injectVector: (vector) => log.push(`vector ${vector}`),
      yield: () => log.push("yield"),
    },
    memory,
    clock: host,
    guestClock: host,
    createTimer: host.createTimer,
    events: {
      onStart: (start) => starts.push(start),
      onExpire: (expiry: XenTimerExpiry) => log.push(`expire: ${expiry}`),
      onInject: (result: DeliveryResult) => log.push(`inject: ${result}`),
    },
  };
  const xen = new XenVcpu(options);
  vm.setLongMode("64-bit");
  vm.mapSharedInfo(page);
  xen.channels.vcpuInfo.activate(vcpuInfo);
  xen.setVcpuId(0);
  xen.timer.setAttribute({ port: PORT, priority: PRIORITY, expiresNs: 0n });
  log.length = 0;
  host.readings.length = 0;
  const call = (registers: Partial<HypercallRegisters>, mode: HypercallMode = "64-bit"): unknown => {
    const outcome = xen.hypercall({ registers: { ...ZERO, ...registers }, mode, cpl: 0 });
    return outcome.kind === "handled" ? outcome.result : outcome;
  };
  return { host, vm, xen, options, vmOptions, memory, page, vcpuInfo, log, starts, call };
}

/** Whether the event of `port` is pending in a 64-bit page. */
export function isPending({ page }: Guest, port: number = PORT): boolean {
  return ((page[0x800 + (port >> 3)] as number) & (1 << (port & 7))) !== 0;
}

/** The guest takes its events: upcall flag, selector and pending bits cleared, the mask left. */
export function takeEvents({ page, vcpuInfo }: Guest): void {
  vcpuInfo.fill(0);
  page.fill(0, 0x800, 0xa00);
}

/** set_timer_op. */
export const setTimer = (g: Guest, timeout: bigint): unknown => g.call({ rax: 15n, rdi: timeout });

const ARGUMENT = 0x7000n;

/** VCPUOP_set_singleshot_timer of this vCPU, with its argument in the middle of a page. */
export function singleshot(g: Guest, timeout: bigint, flags = 0, vcpuId = 0n): unknown {
  const view = new DataView(g.memory.map(ARGUMENT, 0x1_3000n).buffer);
  view.setBigUint64(0x100, timeout, true);
  view.setUint32(0x108, flags, true);
  return g.call({ rax: 24n, rdi: 8n, rsi: vcpuId, rdx: ARGUMENT + 0x100n });
}
