import { describe, expect, it } from "vitest";
import { FakeMemory, guest, isPending, KERNEL_6_1, KERNEL_6_12, PORT, setTimer } from "../../test/guest.js";
import {
  decodeHypercall,
  type HypercallRegisters,
  hypercallPage,
  hypercallRax,
  NEWEST_XEN_TIMER_BEHAVIOURS,
  type PrivilegeLevel,
  pollTimeoutJiffies,
  setTimerTimeout,
  XenVcpu,
} from "../index.js";

// Numbers of Xen's public headers.
const SET_TIMER_OP = 15n;
const VCPU_OP = 24n;
const SCHED_OP = 29n;
const JUNK = 0xdead_beef_0000_0000n;

const REGISTERS: HypercallRegisters = {
  rax: JUNK | 1n,
  rbx: JUNK | 2n,
  rcx: JUNK | 3n,
  rdx: JUNK | 4n,
  rsi: JUNK | 5n,
  rdi: JUNK | 6n,
  rbp: JUNK | 7n,
  r8: JUNK | 8n,
  r9: JUNK | 9n,
  r10: JUNK | 10n,
};

describe("the convention", () => {
  it("64-bit: RAX; RDI RSI RDX R10 R8 R9, in full", () => {
    expect(decodeHypercall(REGISTERS, "64-bit")).toEqual({
      number: JUNK | 1n,
      params: [6n, 5n, 4n, 10n, 8n, 9n].map((low) => JUNK | low),
    });
  });

  it("otherwise: EAX; EBX ECX EDX ESI EDI EBP, zero-extended", () => {
    expect(decodeHypercall(REGISTERS, "32-bit")).toEqual({ number: 1n, params: [2n, 3n, 4n, 5n, 6n, 7n] });
  });

  it("a result is 64-bit two's complement", () => {
    expect([hypercallRax(0), hypercallRax(-62)]).toEqual([0n, 2n ** 64n - 62n]);
  });

  it("the page has 128 slots of the vendor's instruction", () => {
    const [vmx, svm] = [hypercallPage("vmx"), hypercallPage("svm")];
    const last = 127 * 32;
    expect([...vmx.subarray(last, last + 9)]).toEqual([0xb8, 127, 0, 0, 0, 0x0f, 0x01, 0xc1, 0xc3]);
    expect([...svm.subarray(last, last + 9)]).toEqual([0xb8, 127, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3]);
    expect([...vmx.subarray(last + 9)].every((byte) => byte === 0xcc)).toBe(true);
    expect(vmx).toHaveLength(4096);
  });

  it.each([
    ["a register of 65 bits", () => decodeHypercall({ ...REGISTERS, r9: 2n ** 64n }, "64-bit"), RangeError],
    ["a negative register", () => decodeHypercall({ ...REGISTERS, rax: -1n }, "32-bit"), RangeError],
    ["a mode", () => decodeHypercall(REGISTERS, "16-bit" as "32-bit"), RangeError],
    ["a timeout's half", () => setTimerTimeout([-1n, 0n, 0n, 0n, 0n, 0n], "64-bit"), RangeError],
    ["a timeout's other half", () => setTimerTimeout([0n, -1n, 0n, 0n, 0n, 0n], "64-bit"), RangeError],
    ["a timeout's mode", () => setTimerTimeout([0n, 0n, 0n, 0n, 0n, 0n], "" as "32-bit"), RangeError],
    ["a result of halves", () => hypercallRax(0.5), RangeError],
    ["a vendor", () => hypercallPage("via" as "vmx"), RangeError],
    ["a poll's timeout", () => pollTimeoutJiffies(-1n, 250), RangeError],
    ["a host without ticks", () => pollTimeoutJiffies(0n, 0), RangeError],
  ])("refuses %s that is none", (_title, act, error) => {
    expect(act).toThrow(error);
  });
});

describe("where a hypercall goes", () => {
  it.each([1, 2, 3] as const)("to user space from privilege level %i", (cpl: PrivilegeLevel) => {
    const { xen } = guest(KERNEL_6_12);
    const registers = { ...REGISTERS, rax: SET_TIMER_OP };
    expect(xen.hypercall({ registers, mode: "64-bit", cpl })).toEqual({
      kind: "user-space",
      exit: { mode: "64-bit", cpl, input: SET_TIMER_OP, params: decodeHypercall(registers, "64-bit").params },
    });
  });

  it("refuses a privilege level of 4", () => {
    const call = { registers: REGISTERS, mode: "64-bit", cpl: 4 as PrivilegeLevel } as const;
    expect(() => guest(KERNEL_6_12).xen.hypercall(call)).toThrow(RangeError);
  });

  it("to Hyper-V with bit 31 of RAX set, where that is enabled, from any level", () => {
    const registers = { ...REGISTERS, rax: 0x8000_000fn };
    for (const mode of ["32-bit", "64-bit"] as const) {
      const { xen } = guest(KERNEL_6_12, { hyperVHypercalls: true });
      expect(xen.hypercall({ registers, mode, cpl: 3 })).toEqual({ kind: "hyper-v" });
      expect(guest(KERNEL_6_12).xen.hypercall({ registers, mode, cpl: 0 })).toMatchObject({
        kind: "user-space",
      });
    }
  });

  it.each([
    ["a number with high bits", { rax: SET_TIMER_OP | JUNK, rdi: 5n }],
    ["another hypercall", { rax: 17n }],
    ["set_periodic_timer", { rax: VCPU_OP, rdi: 6n }],
    ["stop_periodic_timer", { rax: VCPU_OP, rdi: 7n }],
    ["another sched_op", { rax: SCHED_OP, rdi: 1n }],
  ])("%s goes to user space", (_title, registers) => {
    expect(guest(KERNEL_6_12).call(registers)).toMatchObject({ kind: "user-space" });
  });

  it("timer calls go there without a port", () => {
    const g = guest(KERNEL_6_12);
    g.xen.timer.setAttribute({ port: 0, priority: 0, expiresNs: 0n });
    expect(setTimer(g, 5n)).toMatchObject({ kind: "user-space" });
    expect(g.call({ rax: VCPU_OP, rdi: 9n })).toMatchObject({ kind: "user-space" });
  });

  it("commands and ids are 32 bits wide", () => {
    const g = guest(KERNEL_6_12);
    setTimer(g, g.host.guestNow + 5n);
    expect(g.call({ rax: VCPU_OP, rdi: JUNK | 9n, rsi: JUNK })).toBe(0);
    expect(g.xen.timer.expiresNs).toBe(0n);
    expect(g.call({ rax: SCHED_OP, rdi: JUNK })).toBe(0);
    expect(g.log).toEqual(["yield"]);
  });

  it("a timeout comes in two halves outside 64-bit mode", () => {
    const g = guest(KERNEL_6_12);
    const timeout = g.host.guestNow + 1_000_000n;
    expect(g.call({ rax: SET_TIMER_OP, rbx: timeout % 2n ** 32n, rcx: timeout >> 32n }, "32-bit")).toBe(0);
    expect(g.xen.timer.expiresNs).toBe(timeout);
  });

  it("stopping another vCPU's singleshot timer is refused", () => {
    const g = guest(KERNEL_6_12);
    expect(g.call({ rax: VCPU_OP, rdi: 9n, rsi: 1n })).toBe(-22);
  });

  it("the id is the index until it is set", () => {
    const g = guest(KERNEL_6_12);
    expect([g.xen.vcpuId, g.xen.setVcpuId(1023), g.xen.vcpuId]).toEqual([0, 0, 1023]);
    expect([g.xen.setVcpuId(1024), g.xen.vcpuId]).toEqual([-22, 1023]);
    expect(g.call({ rax: VCPU_OP, rdi: 9n, rsi: 0n })).toBe(-22);
    expect(g.call({ rax: VCPU_OP, rdi: 9n, rsi: 1023n })).toBe(0);
    expect(() => g.xen.setVcpuId(-1)).toThrow(RangeError);
  });

  it("vCPU operations of an id never set go to user space in the newest kernel; set_timer_op names none", () => {
    const { xen, options } = guest(NEWEST_XEN_TIMER_BEHAVIOURS);
    const unset = XenVcpu.fromState({ ...xen.state(), vcpuIdSet: false }, options, new Uint8Array(64));
    const registers = { ...REGISTERS, rax: VCPU_OP, rdi: 9n, rsi: 0n };
    expect(unset.hypercall({ registers, mode: "64-bit", cpl: 0 })).toMatchObject({ kind: "user-space" });
    expect(xen.hypercall({ registers, mode: "64-bit", cpl: 0 })).toEqual({ kind: "handled", result: 0 });
    const stop = { ...REGISTERS, rax: SET_TIMER_OP, rdi: 0n };
    expect(unset.hypercall({ registers: stop, mode: "64-bit", cpl: 0 })).toEqual({
      kind: "handled",
      result: 0,
    });
  });
});

describe("a singleshot argument over two pages", () => {
  it("is read where the guest mapped them (6.12), or in physical order (6.1)", () => {
    for (const [behaviours, expected] of [
      [KERNEL_6_12, 0x2222_2222_1111_1111n],
      [KERNEL_6_1, 0x3333_3333_1111_1111n],
    ] as const) {
      const g = guest(behaviours);
      new DataView(g.memory.map(0x7000n, 0x1_3000n).buffer).setUint32(4092, 0x1111_1111, true);
      new DataView(g.memory.map(0x8000n, 0x5_0000n).buffer).setUint32(0, 0x2222_2222, true);
      new DataView(g.memory.page(0x1_4000n).buffer).setUint32(0, 0x3333_3333, true);
      expect(g.call({ rax: VCPU_OP, rdi: 8n, rdx: 0x8000n - 4n })).toBe(0);
      expect(g.xen.timer.expiresNs).toBe(expected);
    }
  });

  it("wraps at the end of the address space", () => {
    const g = guest(KERNEL_6_12);
    g.memory.map(2n ** 64n - 4096n, 0x1_3000n);
    new DataView(g.memory.map(0n, 0x5_0000n).buffer).setUint32(0, 0x10, true);
    expect(g.call({ rax: VCPU_OP, rdi: 8n, rdx: 2n ** 64n - 4n })).toBe(0);
    expect(g.xen.timer.expiresNs).toBe(2n ** 36n);
  });
});

describe("sched_op poll", () => {
  const LIST = 0x9000n;
  const ARGUMENT = 0x7000n;

  function poll(
    ports: readonly number[],
    { behaviours = KERNEL_6_12, timeout = 0n, count = ports.length, list = LIST, lapic = true } = {},
  ) {
    const g = guest(behaviours, { inKernelLapic: lapic });
    const argument = new DataView(g.memory.map(ARGUMENT, 0x1_3000n).buffer);
    argument.setBigUint64(0, list, true);
    argument.setUint32(8, count, true);
    argument.setBigUint64(16, timeout, true);
    const bytes = new DataView(g.memory.map(LIST, 0x1_5000n).buffer);
    for (const [i, port] of ports.entries()) bytes.setUint32(4 * i, port, true);
    return { g, result: g.call({ rax: SCHED_OP, rdi: 3n, rsi: ARGUMENT }) };
  }

  it.each([KERNEL_6_1, KERNEL_6_12])("sleeps, and is ended with 0", (behaviours) => {
    const { g, result } = poll([PORT, 20], { behaviours, timeout: 10_000_000n });
    expect(result).toEqual({ kind: "polling", timeoutNs: 10_000_000n });
    expect(g.xen.channels.polled).toBe("any");
    expect(g.xen.endPoll()).toEqual({ kind: "handled", result: 0 });
    expect(g.xen.channels.polled).toBeUndefined();
  });

  it("waits for the one port listed", () => {
    expect(poll([PORT]).g.xen.channels.polled).toBe(PORT);
  });

  it.each([KERNEL_6_1, KERNEL_6_12])("of no port needs no list and waits for any", (behaviours) => {
    const { g, result } = poll([], { behaviours, list: 0xdead_0000n });
    expect(result).toEqual({ kind: "polling", timeoutNs: 0n });
    expect(g.xen.channels.polled).toBe("any");
  });

  it("of an event that is pending returns at once", () => {
    const g = guest(KERNEL_6_12);
    setTimer(g, g.host.guestNow);
    expect(isPending(g)).toBe(true);
    new DataView(g.memory.map(ARGUMENT, 0x1_3000n).buffer).setUint32(8, 1, true);
    new DataView(g.memory.map(ARGUMENT, 0x1_3000n).buffer).setBigUint64(0, LIST, true);
    new DataView(g.memory.map(LIST, 0x1_5000n).buffer).setUint32(0, PORT, true);
    expect(g.call({ rax: SCHED_OP, rdi: 3n, rsi: ARGUMENT })).toBe(0);
  });

  it.each([
    ["a port with no room", [4096], {}, -22],
    ["129 ports", [], { count: 129 }, -22],
    ["a list that is not there", [PORT], { list: 0xdead_0000n }, -14],
  ])("of %s is refused", (_title, ports, options, result) => {
    for (const behaviours of [KERNEL_6_1, KERNEL_6_12])
      expect(poll(ports, { ...options, behaviours }).result).toBe(result);
  });

  it("of 128 ports is not", () => {
    expect(poll(Array.from({ length: 128 }, (_, i) => i)).result).toMatchObject({ kind: "polling" });
  });

  it("with a bad port before the end of memory: the fault is found first (6.12), or the port (6.1)", () => {
    for (const [behaviours, result] of [
      [KERNEL_6_12, -14],
      [KERNEL_6_1, -22],
    ] as const) {
      const g = guest(behaviours);
      const argument = new DataView(g.memory.map(ARGUMENT, 0x1_3000n).buffer);
      argument.setBigUint64(0, LIST + 4092n, true);
      argument.setUint32(8, 2, true);
      new DataView(g.memory.map(LIST, 0x1_5000n).buffer).setUint32(4092, 9999, true);
      expect(g.call({ rax: SCHED_OP, rdi: 3n, rsi: ARGUMENT })).toBe(result);
    }
  });

  it("of an argument that is not there is a fault", () => {
    expect(guest(KERNEL_6_12).call({ rax: SCHED_OP, rdi: 3n, rsi: 0xdead_0000n })).toBe(-14);
  });

  it("has a smaller argument outside 64-bit mode", () => {
    const g = guest(KERNEL_6_12);
    const argument = new DataView(g.memory.map(ARGUMENT, 0x1_3000n).buffer);
    argument.setUint32(0xff0, Number(LIST), true);
    argument.setUint32(0xff4, 1, true);
    argument.setBigUint64(0xff8, 77n, true);
    new DataView(g.memory.map(LIST, 0x1_5000n).buffer).setUint32(0, 20, true);
    expect(g.call({ rax: SCHED_OP, rbx: 3n, rcx: ARGUMENT + 0xff0n }, "32-bit")).toEqual({
      kind: "polling",
      timeoutNs: 77n,
    });
    expect(g.xen.channels.polled).toBe(20);
  });

  it("is a yield without a local APIC in the kernel", () => {
    const { g, result } = poll([PORT], { lapic: false });
    expect([result, g.log]).toEqual([0, ["yield"]]);
  });

  it.each([
    [0n, 250, 0n],
    [3_999_999n, 250, 0n],
    [4_000_000n, 250, 1n],
    [2n ** 64n - 1n, 1000, 18_446_744_073_709n],
  ])("sleeps for the ticks in %i ns at %i Hz", (ns, hz, ticks) => {
    expect(pollTimeoutJiffies(ns, hz)).toBe(ticks);
  });
});

it("the tests' memory goes by pages", () => {
  const memory = new FakeMemory();
  memory.map(0x7000n, 0x1000n);
  expect([memory.translate(0x7fffn), memory.translate(0x8000n)]).toEqual([0x1fffn, undefined]);
});
