import { pvScale } from "@chronovisor/clocksource";
import type { TraceEvent } from "@chronovisor/trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diagnose } from "./diagnosis.js";
import { at, explain, logOf, MS, S, type Timed, timersOnTwoCpus, US } from "./fixtures/logs.js";

const VCPU0 = { id: 0, pid: 1_000 };
const VCPU1 = { id: 1, pid: 1_001 };

describe("the pinned-timer story's log", () => {
  const LAYOUTS = ["tracefs", "trace-cmd", "perf-script"] as const;

  it.each(LAYOUTS)(
    "of a kernel that neither pins nor kicks says that the vCPU waited for its next exit (%s)",
    (layout) => {
      const findings = explain(logOf("v4.5", timersOnTwoCpus(400n, 250n * MS), { layout }));
      const [diagnosis, ...others] = diagnose(findings);
      expect(others).toEqual([]);
      expect(diagnosis).toMatchObject({
        kind: "remote-timer",
        vcpu: VCPU0,
        timer: "lapic",
        delivery: "waited",
        story: "pinned-timer",
      });
      const [timer] = findings.vcpus[0]?.timers ?? [];
      expect(timer?.delivery).toMatchObject({
        expiries: 400,
        vector: 0xec,
        shownBy: "kvm_inj_virq",
        local: { count: 300, min: 2n * US, max: 2n * US },
        remote: { count: 100, min: 250n * MS + US, max: 250n * MS + US },
        merged: 0,
      });
      expect(timer?.delivery.remoteEnds).toEqual(new Map([["EXTERNAL_INTERRUPT", 100]]));
      expect(findings.log).toMatchObject({ unattributed: 0, cpus: 2, unit: "ns", resolutionNs: 1_000n });
    },
  );

  it("of a kernel that kicks says so", () => {
    const [diagnosis] = diagnose(explain(logOf("v5.3", timersOnTwoCpus(40n, 3n * US))));
    expect(diagnosis).toMatchObject({
      kind: "remote-timer",
      delivery: "kicked",
      remote: { count: 10, max: 4n * US },
    });
  });

  it("of a kernel that kicks says so too where the log lost what followed some of the expiries", () => {
    const lines = logOf("v5.3", timersOnTwoCpus(400n, 3n * US)).split("\n");
    const kept = lines.filter((line, i) => !line.includes("kvm_inj_virq") || i % 7 > 0);
    const [diagnosis] = diagnose(explain(kept.join("\n")));
    expect(diagnosis).toMatchObject({ kind: "remote-timer", delivery: "kicked" });
  });

  it("of a kernel that pins says nothing", () => {
    const pinned = timersOnTwoCpus(40n, US).map((event) =>
      event.kind === "hrtimer-expire" || event.kind === "hrtimer-done" ? { ...event, cpu: 1 } : event,
    );
    expect(diagnose(explain(logOf("v4.6", pinned)))).toEqual([]);
  });
});

describe("a timer that is held up", () => {
  const PERIOD = 10n * MS;
  const timer = { timer: 0, name: "apic_timer_fn", cpu: 1 } as const;

  /** Periods 1 … 50 on time, a stop of 100 periods, and the timer catching up before the guest runs again. */
  function stopped(): readonly TraceEvent[] {
    const events: TraceEvent[] = [at(0n, { kind: "cpu-runs", cpu: 1, what: "vcpu", vcpu: 0 })];
    const start = (n: bigint): Timed => ({
      kind: "hrtimer-start",
      ...timer,
      expiresNs: n * PERIOD,
      mode: "ABS|HARD",
      was: "idle",
    });
    const tick = (now: bigint, n: bigint): void => {
      events.push(
        at(now, { kind: "hrtimer-expire", ...timer, nowNs: now }),
        at(now, { kind: "hrtimer-done", cpu: 1, timer: 0 }),
        at(now, start(n + 1n)),
      );
    };
    const inject = (now: bigint): void => {
      events.push(at(now, { kind: "acknowledge", vcpu: 0, vector: 0xec }));
    };
    events.push(at(0n, start(1n)));
    for (let n = 1n; n <= 50n; n++) {
      tick(n * PERIOD, n);
      inject(n * PERIOD + US);
    }
    const resume = 150n * PERIOD;
    for (let n = 51n; n <= 150n; n++) tick(resume + (n - 51n) * US, n);
    inject(resume + 200n * US);
    return events;
  }

  it("does not tell why where times are cycles, so both stories are named", () => {
    const cycles = logOf("v6.12", stopped()).replace(/ (\d+)\.(\d{6}): /g, " $1$2: ");
    const [behind] = diagnose(explain(cycles));
    expect(behind).toMatchObject({ cause: "unknown", story: "long-stop", orStory: "periodic-drift" });
  });

  it("and catches up, as in the long-stop story, is told with what the guest lost", () => {
    const findings = explain(logOf("v6.12", stopped()));
    const [found] = findings.vcpus[0]?.timers ?? [];
    expect(found?.expiry).toMatchObject({ periodNs: PERIOD, late: 99, behind: 99, skipped: 0n });
    expect(found?.delivery).toMatchObject({ expiries: 150, merged: 99 });
    expect(diagnose(findings)).toMatchObject([
      { kind: "timer-behind", behind: 99, worstNs: 990n * MS, cause: "held-up", story: "long-stop" },
      { kind: "lost-ticks", merged: 99, skipped: 0n },
    ]);
  });
});

describe("the master clock", () => {
  const PV = { tscToSystemMul: 0x8000_0000, tscShift: 1, flags: 1 } as const;

  /** On with two vCPUs in step; then the guest writes the TSC of vCPU 1; then the host's clocksource goes. */
  const EVENTS: readonly TraceEvent[] = [
    at(0n, { kind: "cpu-runs", cpu: 0, what: "vcpu", vcpu: 0 }),
    at(0n, { kind: "cpu-runs", cpu: 1, what: "vcpu", vcpu: 1 }),
    at(US, { kind: "tsc-offset", vcpu: 0, from: 0n, to: -5_000n & (2n ** 64n - 1n) }),
    at(US, { kind: "tsc-offset", vcpu: 1, from: 0n, to: -5_000n & (2n ** 64n - 1n) }),
    at(2n * US, {
      kind: "tsc-matched",
      vcpu: 1,
      masterClock: "off",
      matched: 1,
      online: 2,
      clocksource: "tsc",
    }),
    at(3n * US, { kind: "master-clock", masterClock: "on", clocksource: "tsc", matched: "yes" }),
    at(3n * US, { kind: "pvclock-update", vcpu: 0, version: 2, tscTimestamp: 0n, systemTime: 0n, ...PV }),
    at(3n * US, { kind: "pvclock-update", vcpu: 1, version: 2, tscTimestamp: 0n, systemTime: 0n, ...PV }),
    at(S, { kind: "msr-write", vcpu: 1, msr: 0x10, value: 7_000n }),
    at(S, {
      kind: "tsc-offset",
      vcpu: 1,
      from: -5_000n & (2n ** 64n - 1n),
      to: -995_000n & (2n ** 64n - 1n),
    }),
    at(S, { kind: "tsc-matched", vcpu: 1, masterClock: "on", matched: 0, online: 2, clocksource: "tsc" }),
    at(S + US, { kind: "master-clock", masterClock: "off", clocksource: "tsc", matched: "no" }),
    at(2n * S, { kind: "master-clock", masterClock: "on", clocksource: "tsc", matched: "yes" }),
    at(3n * S, { kind: "master-clock", masterClock: "off", clocksource: "none", matched: "yes" }),
  ];

  it("is told when and why it went off, and who moved a TSC before", () => {
    const findings = explain(logOf("v6.12", EVENTS));
    expect(findings.vms).toHaveLength(1);
    expect(findings.vms[0]?.masterClock).toMatchObject({ updates: 4, state: "off", changed: 3 });
    const [unmatched, clocksource, ...others] = diagnose(findings);
    expect(unmatched).toEqual({
      kind: "master-clock-off",
      tgid: undefined,
      change: {
        time: S + US,
        to: "off",
        hostClock: "tsc",
        comm: "CPU 0/KVM",
        pid: 1_000,
        reason: "unmatched-tsc",
        suspect: { what: "offset-write", vcpu: VCPU1, time: S, cycles: -990_000n },
        matched: { vcpus: 1n, online: 2n },
      },
    });
    expect(clocksource).toMatchObject({
      kind: "master-clock-off",
      change: { time: 3n * S, reason: "host-clocksource", hostClock: "none", suspect: undefined },
    });
    expect(others).toMatchObject([
      { kind: "tsc-moves", vcpu: VCPU1, moves: { count: 1, min: -990_000n, max: -990_000n } },
      { kind: "offsets-apart", least: -995_000n, most: -5_000n },
    ]);
  });

  it("that is off when the log begins is told too, and one that stays on is not", () => {
    const off = explain(
      logOf("v6.12", [
        at(0n, { kind: "master-clock", masterClock: "off", clocksource: "tsc", matched: "yes" }),
      ]),
    );
    expect(diagnose(off)).toMatchObject([{ kind: "master-clock-off", change: { reason: "other" } }]);
    const on = at(0n, { kind: "master-clock", masterClock: "on", clocksource: "tsc", matched: "yes" });
    expect(diagnose(explain(logOf("v6.12", [on, { ...on }])))).toEqual([]);
  });
});

/**
 * 3.0 → 2.5 GHz: the guest's rate is that of the 2 499 999 kHz that its frequency is truncated to (docs/model/scenarios-clock S1).
 * On a TSC of exactly 2.5 GHz its clock gains MUL × 2.5 / 2^33 − 1 = 399.945 ppb: 1 439 801 ns in an hour.
 */
const MUL = 3_435_975_211;
const SHIFT = -1;
const GUEST_HZ = 2_500_000_000n;
const guestTscAt = (ns: bigint): bigint => (ns * GUEST_HZ) / S;
const guestClockAt = (ns: bigint): bigint => pvScale(guestTscAt(ns), MUL, SHIFT);
const reference = (ns: bigint, version: number): TraceEvent =>
  at(ns, {
    kind: "pvclock-update",
    vcpu: 0,
    version,
    tscTimestamp: guestTscAt(ns),
    systemTime: ns,
    tscToSystemMul: MUL,
    tscShift: SHIFT,
    flags: 1,
  });

describe("the xen-accuracy story's log", () => {
  const HOUR = 3_600n * S;

  /** A timer of 100 µs every minute for an hour, then the clock is set anew. `expires` is when the host lets one expire. */
  function xenTimers(expires: (now: bigint, deadlineNs: bigint) => bigint): readonly TraceEvent[] {
    const events: TraceEvent[] = [
      at(0n, { kind: "cpu-runs", cpu: 1, what: "vcpu", vcpu: 0 }),
      reference(0n, 2),
    ];
    const timer = { timer: 3, name: "xen_timer_callback", cpu: 1 } as const;
    for (let now = 60n * S; now < HOUR; now += 60n * S) {
      const deadlineNs = guestClockAt(now) + 100n * US;
      const expiresNs = expires(now, deadlineNs);
      events.push(
        at(now, { kind: "xen-set-timer", vcpu: 0, deadlineNs }),
        at(now, { kind: "hrtimer-start", ...timer, expiresNs, mode: "ABS|HARD", was: "idle" }),
        at(expiresNs, { kind: "hrtimer-expire", ...timer, nowNs: expiresNs }),
        at(expiresNs + US, { kind: "acknowledge", vcpu: 0, vector: 0xf3 }),
      );
    }
    return [...events, reference(HOUR, 4)];
  }

  it("of a kernel that takes two clocks' samples says that the timers grow late, and by how much", () => {
    // The delay is counted from KVM's own clock, which keeps up with the host's: expires is the deadline itself.
    const findings = explain(
      logOf(
        "v6.1",
        xenTimers((_now, deadlineNs) => deadlineNs),
      ),
    );
    expect(diagnose(findings)).toEqual([
      { kind: "xen-timer-pace", vcpu: VCPU0, ppt: 399_944n, story: "xen-accuracy" },
      { kind: "clock-drift", vcpu: VCPU0, ppt: 399_944n, overNs: HOUR },
      {
        kind: "clock-jumps",
        vcpu: VCPU0,
        jumps: {
          count: 1,
          min: -1_439_801n,
          max: -1_439_801n,
          sum: -1_439_801n,
          halfBelow: 2n ** 21n,
          worst: [{ time: HOUR, value: -1_439_801n }],
        },
      },
    ]);
    expect(findings.vcpus[0]).toMatchObject({
      clock: { updates: 2, changes: 0, parameters: { tscHz: 2_499_999_000n } },
      xen: { timers: 59, pace: { ppt: 0n } },
      timers: [{ kind: "xen", delivery: { vector: 0xf3, local: { count: 59 } }, expiry: { late: 0 } }],
    });
  });

  it("of a kernel that takes one sample has the clock's drift and no late timers", () => {
    // The delay is counted from the guest's clock: the host's deadline moves back by what that clock gains.
    const exact = (now: bigint, deadlineNs: bigint): bigint => now + (deadlineNs - guestClockAt(now));
    const findings = explain(logOf("v6.9", xenTimers(exact)));
    expect(diagnose(findings).map(({ kind }) => kind)).toEqual(["clock-drift", "clock-jumps"]);
    const pace = findings.vcpus[0]?.xen.pace?.ppt ?? 0n;
    expect([pace > -400_000n, pace < -399_900n]).toEqual([true, true]);
  });
});

describe("a guest's clock", () => {
  it("that is set again and again to what it shows has no jumps, whatever its TSC's offset does", () => {
    const moved = (ns: bigint): bigint => BigInt.asUintN(64, guestTscAt(ns) - (ns > S ? 2n ** 40n : 0n));
    const update = (ns: bigint, version: number): TraceEvent =>
      at(ns, {
        kind: "pvclock-update",
        vcpu: 0,
        version,
        tscTimestamp: moved(ns),
        systemTime: guestClockAt(ns),
        tscToSystemMul: MUL,
        tscShift: SHIFT,
        flags: 0,
      });
    const offset = at(S, { kind: "tsc-offset", vcpu: 0, from: 0n, to: 2n ** 64n - 2n ** 40n });
    const text = logOf("v6.12", [update(MS, 2), update(S, 4), offset, update(2n * S, 6), update(3n * S, 8)]);
    const findings = explain(text);
    expect(findings.vcpus[0]?.clock).toMatchObject({
      updates: 4,
      // Two of the readings are rounded to one ns less than the host's.
      jumps: { count: 0 },
      roundings: 2,
    });
    expect(diagnose(findings)).toEqual([]);
  });

  it("is not measured by what its TSC's offset was before its first reference", () => {
    const offset = at(0n, { kind: "tsc-offset", vcpu: 0, from: 0n, to: 2n ** 64n - 2n ** 40n });
    const { clock } = explain(logOf("v6.12", [offset, reference(S, 2), reference(2n * S, 4)])).vcpus[0] ?? {};
    expect(clock).toMatchObject({ jumps: { count: 1, max: -399n }, jumpsWithOffset: 0 });
  });

  it("that is set by hours is stepped, which is not called a drift", () => {
    const step = { ...reference(2n * S, 4), systemTime: 7_200n * S } as TraceEvent;
    const { clock } = explain(logOf("v6.12", [reference(S, 2), step])).vcpus[0] ?? {};
    expect(clock).toMatchObject({ jumps: { count: 1 }, drift: undefined });
  });
});

describe("a LAPIC timer's backend", () => {
  it("is followed through its switches, and an exit of the preemption timer is an expiry", () => {
    const armed = (backend: "hrtimer" | "preemption-timer"): Timed => ({
      kind: "timer-armed",
      vcpu: 0,
      backend,
      deadline: 0n,
    });
    const text = logOf("v6.12", [
      at(0n, armed("preemption-timer")),
      at(MS, { kind: "preemption-timer-exit", vcpu: 0 }),
      at(MS + US, { kind: "acknowledge", vcpu: 0, vector: 0xec }),
      at(2n * MS, armed("hrtimer")),
      at(3n * MS, armed("preemption-timer")),
      at(4n * MS, armed("preemption-timer")),
    ]);
    const [vcpu] = explain(text).vcpus;
    expect(vcpu?.backend).toEqual({ hv: 3, sw: 1, hvToSw: 1, swToHv: 1 });
    expect(vcpu?.timers).toMatchObject([
      { kind: "lapic", delivery: { expiries: 1, local: { count: 1, max: US } } },
    ]);
  });
});

describe("logs as they come", () => {
  const line = (pid: string, cpu: number, time: string, payload: string): string =>
    `${pid.padStart(24)} [00${cpu}] d.... ${time}: ${payload}\n`;

  it("tell vCPUs of two VMs apart by their threads, also by entries where the names do not tell", () => {
    const text = [
      line("CPU 0/KVM-10", 0, "1.000000", "kvm_write_tsc_offset: vcpu=0 prev=0 next=5"),
      line("CPU 0/KVM-20", 1, "1.000001", "kvm_write_tsc_offset: vcpu=0 prev=0 next=9"),
      line("worker-30", 1, "1.000002", "kvm_entry: vcpu 0, rip 0x0"),
      line("worker-30", 1, "1.000003", "kvm_hv_timer_state: vcpu_id 0 hv_timer 1"),
    ].join("");
    const { vcpus } = explain(text);
    expect(vcpus.map(({ name, offset, backend }) => [name.pid, offset.current, backend.hv])).toEqual([
      [10, 5n, 0],
      [20, 9n, 0],
      [30, undefined, 1],
    ]);
    expect(diagnose(explain(text))).toEqual([]);
  });

  it("are put in order first", () => {
    const expiry = line(
      "<idle>-0",
      0,
      "1.000000",
      "hrtimer_expire_entry: hrtimer=01 function=apic_timer_fn now=5",
    );
    const injection = line("CPU 0/KVM-10", 1, "1.000400", "kvm_inj_virq: IRQ 0xec");
    const first = line("CPU 0/KVM-10", 1, "0.900000", "kvm_entry: vcpu 0, rip 0x0");
    const { vcpus, log } = explain(first + injection + expiry + injection);
    expect(vcpus[0]?.timers[0]?.delivery.remote).toMatchObject({ count: 1, max: 400n * US });
    expect(log.order).toEqual({ duplicates: 1, outOfOrder: 0 });
  });

  it("give a timer that is restarted in another vCPU's thread to its own vCPU", () => {
    const start = "hrtimer_start: hrtimer=01 function=apic_timer_fn expires=5 softexpires=5 mode=ABS";
    const expire = "hrtimer_expire_entry: hrtimer=01 function=apic_timer_fn now=5";
    const { vcpus } = explain(
      [
        line("CPU 0/KVM-10", 0, "1.000000", start),
        line("CPU 1/KVM-11", 1, "1.001000", expire),
        line("CPU 1/KVM-11", 1, "1.001001", start),
        line("CPU 1/KVM-11", 1, "1.002000", expire),
      ].join(""),
    );
    expect(
      vcpus.map(({ name, timers }) => [name.id, timers.map(({ delivery }) => delivery.expiries)]),
    ).toEqual([
      [0, [2]],
      [1, []],
    ]);
  });

  it("never make it throw, whatever the numbers in them", () => {
    const u64 = fc.bigInt(0n, 2n ** 64n - 1n).map((value) => value.toString(16));
    const payload = fc.oneof(
      fc
        .tuple(u64, u64, u64, fc.integer({ min: -200, max: 200 }))
        .map(
          ([tsc, time, mul, shift]) =>
            `kvm_pvclock_update: vcpu_id 0, pvclock { version 2, tsc_timestamp 0x${tsc}, system_time 0x${time}, tsc_to_system_mul 0x${mul}, tsc_shift ${shift}, flags 0x${mul} }`,
        ),
      u64.map((value) => `kvm_inj_virq: IRQ 0x${value}`),
      u64.map((value) => `kvm_hv_timer_state: vcpu_id ${value} hv_timer ${value}`),
      u64.map((value) => `kvm_msr: msr_write 832 = 0x${value}`),
      fc
        .tuple(u64, u64)
        .map(
          ([a, b]) =>
            `hrtimer_start: hrtimer=${a} function=apic_timer_fn expires=${BigInt(`0x${b}`)} softexpires=1`,
        ),
      fc
        .tuple(u64, u64)
        .map(
          ([a, b]) =>
            `hrtimer_expire_entry: hrtimer=${a} function=xen_timer_callback now=${BigInt(`0x${b}`)}`,
        ),
      u64.map((value) => `kvm_xen_hypercall: nr 0xf a0 0x${value} a1 0x0 a2 0x0 a3 0x0 a4 0x0 a5 0`),
    );
    const row = fc
      .tuple(
        fc.constantFrom("CPU 0/KVM-10", "<idle>-0", "CPU 1/KVM-11"),
        fc.nat({ max: 3 }),
        fc.nat({ max: 99 }),
        payload,
      )
      .map(([thread, cpu, time, text]) => line(thread, cpu, `1.0000${String(time).padStart(2, "0")}`, text));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
        const findings = explain(rows.join(""));
        expect(findings.log.text.skipped.payload.examples).toEqual([]);
        diagnose(findings);
      }),
    );
  });
});
