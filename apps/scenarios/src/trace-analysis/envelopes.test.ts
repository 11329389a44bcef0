/** One log as several tools print it. */
import { describe, expect, it } from "vitest";
import { diagnose } from "./diagnosis.js";
import { explain, logOf, MS, timersOnTwoCpus, US } from "./fixtures/logs.js";

const VCPU0 = { id: 0, pid: 1_000 };

describe("the pinned-timer story's log", () => {
  /** Latencies of a log whatever CPUs it has. */
  const latencies = (text: string) => {
    const { vcpus, log } = explain(text);
    const delivery = vcpus[0]?.timers[0]?.delivery;
    return { delivery, log, name: vcpus[0]?.name };
  };

  it("without CPUs tells all but where its timers expired", () => {
    const withCpus = logOf("v4.5", timersOnTwoCpus(40n, 250n * MS), { layout: "perf-script" });
    const { delivery, log, name } = latencies(withCpus.replace(/ \[\d{3}\] /g, " "));
    expect(name).toEqual(VCPU0);
    expect(log).toMatchObject({ cpus: 0, withoutCpu: log.text.records, text: { lines: log.text.lines } });
    expect(log.text.records).toBe(latencies(withCpus).log.text.records);
    expect(delivery).toMatchObject({
      expiries: 40,
      vector: 0xec,
      local: { count: 0 },
      remote: { count: 0 },
      unplaced: { count: 40, min: 2n * US, max: 250n * MS + US },
    });
    expect(diagnose(explain(withCpus.replace(/ \[\d{3}\] /g, " ")))).toEqual([]);
  });

  it("as trace-cmd report -l prints it tells the same", () => {
    const report = logOf("v4.5", timersOnTwoCpus(40n, 250n * MS), { layout: "trace-cmd" });
    const latency = report.replace(/^ *(.{1,16})-(\d+) +\[(\d{3})\] /gm, (_, comm, pid, cpu) => {
      return `${comm.slice(0, 8).padStart(8)}-${pid.padEnd(5)} ${String(Number(cpu)).padStart(3)}`;
    });
    expect(latency).toContain("CPU 0/KV-1000    1");
    const found = latencies(latency);
    expect(found.log.text.records).toBe(latencies(report).log.text.records);
    expect(found.delivery).toEqual(latencies(report).delivery);
    expect(found.name).toEqual(VCPU0);
  });
});
