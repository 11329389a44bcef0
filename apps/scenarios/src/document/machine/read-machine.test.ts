import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../../errors.js";
import { newestRelease } from "../../kernels/kernels.js";
import { readDocument } from "../read-document.js";

const read = (text: string) => readDocument("dir/lost.yaml", text, []);

const HEAD = "chronovisor: 1\nduration: 1s\n";
const ONE = "vms: [{ vcpus: [{ program: periodic-timer }] }]\n";
const TWO = "vms: [{ vcpus: [{ program: idle }, { program: clock-reader, cpu: 1 }] }]\n";
const OBSERVE = "observe: { n: { quantity: exits, vcpu: 0 } }\n";

describe("readDocument of a machine", () => {
  it("is a scenario by the file's name, wherever the file is, with defaults for what is not written", () => {
    const { name, scenario, kernel, seed, params, source } = read(HEAD + ONE + OBSERVE);
    expect([name, scenario.id, scenario.title, kernel.name, seed, params]).toEqual([
      "dir/lost.yaml",
      "lost.yaml",
      "lost.yaml",
      newestRelease,
      1,
      {},
    ]);
    expect(source).toEqual({ name: "dir/lost.yaml", text: HEAD + ONE + OBSERVE });
    expect([scenario.headline, scenario.plot, scenario.observe]).toEqual([
      "n",
      "n",
      { n: { unit: "count", title: "VM exits", headline: true } },
    ]);
  });

  it("compares the kernels it names, else the ends of the table", () => {
    const named = read(`${HEAD}${ONE}${OBSERVE}compare: [v4.16, "v4.17 + tdcr=immediate"]\n`).scenario;
    expect(named.comparison?.map(({ kernel }) => kernel)).toEqual(["v4.16", "v4.17 + tdcr=immediate"]);
    expect(named.variants).toEqual({ before: "v4.16", after: "v4.17 + tdcr=immediate" });
    const plain = read(HEAD + ONE + OBSERVE).scenario;
    expect([plain.comparison, plain.variants]).toEqual([undefined, { before: "v4.5", after: newestRelease }]);
  });

  it("is read as JSON too", () => {
    const document = {
      chronovisor: 1,
      duration: "1s",
      vms: [{ vcpus: [{ program: "idle" }] }],
      observe: { on: { quantity: "master-clock" } },
      expect: ["on == yes"],
    };
    expect(read(JSON.stringify(document)).expect.map(({ text }) => text)).toEqual(["on == yes"]);
  });

  it.each<[string, string]>([
    [
      `${HEAD}${ONE}${OBSERVE}hots: {}\n`,
      'lost.yaml:5:1: expected one of chronovisor, title, kernel, compare, seed, host, vms, timeline, duration, observe, expect, got "hots" (did you mean host?)',
    ],
    [
      `chronovisor: 1\nvm: []\nduration: 1s\n${OBSERVE}`,
      'lost.yaml:2:1: expected one of chronovisor, title, kernel, compare, seed, host, vms, timeline, duration, observe, expect, got "vm" (did you mean vms?)',
    ],
    [
      `chronovisor: 1\n${ONE}${OBSERVE}`,
      "lost.yaml:1:1: duration: expected a time such as 10m, 1h or 250us, got nothing",
    ],
    [
      `chronovisor: 1\nduration: 31d\n${ONE}${OBSERVE}`,
      'lost.yaml:2:11: duration: expected 1us to 30d, got "31d"',
    ],
    [
      `chronovisor: 1\nduration: 99999999999999999999d\n${ONE}${OBSERVE}`,
      'lost.yaml:2:11: duration: expected 1us to 30d, got "99999999999999999999d"',
    ],
    [
      `chronovisor: 1\nduration: 1.5\n${ONE}${OBSERVE}`,
      "lost.yaml:2:11: duration: expected a time such as 10m, 1h or 250us, got 1.5",
    ],
    [
      `chronovisor: 1\nduration: 0.1ns\n${ONE}${OBSERVE}`,
      "lost.yaml:2:11: duration: 0.1ns is finer than 1 ns",
    ],
    [
      `chronovisor: 1\nduration: 2GHz\n${ONE}${OBSERVE}`,
      'lost.yaml:2:11: duration: expected a time such as 10m, 1h or 250us, got "2GHz"',
    ],
    [
      `${HEAD}${ONE}${OBSERVE}host: { tsc: 10ms }\n`,
      'lost.yaml:5:14: host.tsc: expected a frequency such as 2.5GHz, 250MHz or 2500000kHz, got "10ms"',
    ],
    [
      `${HEAD}${ONE}${OBSERVE}host: { tcs: 2GHz }\n`,
      'lost.yaml:5:9: expected one of tsc, actual, startTsc, cpus, ntp, hz, tick, eventDevice, preemptionTimer, timerAdvance, haltPoll, costs, got "tcs" (did you mean tsc?)',
    ],
    [
      `${HEAD}${ONE}${OBSERVE}host: { ntp: 2% }\n`,
      'lost.yaml:5:14: host.ntp: expected a rate such as 50ppm, -0.5ppm or 10ppb, got "2%"',
    ],
    [
      `${HEAD}${ONE}${OBSERVE}host: { actual: 0.5 }\n`,
      "lost.yaml:5:17: host.actual: expected a rate such as 50ppm, -0.5ppm or 10ppb, got 0.5",
    ],
    [
      `${HEAD}${ONE}${OBSERVE}host: { tick: offf }\n`,
      'lost.yaml:5:15: host.tick: expected one of on, idle-stops, off, got "offf" (did you mean off?)',
    ],
    [
      `${HEAD}${ONE}${OBSERVE}host: { cpus: 65 }\n`,
      "lost.yaml:5:15: host.cpus: expected a whole number from 1 to 64, got 65",
    ],
    [`${HEAD}${ONE}${OBSERVE}host: []\n`, "lost.yaml:5:7: host: expected object, got a list"],
    [`${HEAD}${OBSERVE}vms: []\n`, "lost.yaml:4:6: vms: expected 1 VM (a document has one), got 0"],
    [
      `${HEAD}${OBSERVE}vms: [{ vcpus: [{ program: idle }] }, { vcpus: [{ program: idle }] }]\n`,
      "lost.yaml:4:6: vms: expected 1 VM (a document has one), got 2",
    ],
    [
      `${HEAD}${OBSERVE}vms: [{ vcpus: [] }]\n`,
      "lost.yaml:4:16: vms[0].vcpus: expected 1 to 16 vCPUs, got 0",
    ],
    [
      `${HEAD}${OBSERVE}vms: [{ vcpus: [{ program: periodc-timer }] }]\n`,
      'lost.yaml:4:28: vms[0].vcpus[0].program: expected one of idle, periodic-timer, one-shot-timer, deadline-timer, clock-reader, clocksource-watchdog, got "periodc-timer" (did you mean periodic-timer?)',
    ],
    [
      `${HEAD}${OBSERVE}vms: [{ vcpus: [{ options: {} }] }]\n`,
      "lost.yaml:4:17: vms[0].vcpus[0].program: expected one of idle, periodic-timer, one-shot-timer, deadline-timer, clock-reader, clocksource-watchdog, got nothing",
    ],
    [
      `${HEAD}${OBSERVE}vms: [{ vcpus: [{ program: clock-reader, options: { evry: 1ms } }] }]\n`,
      'lost.yaml:4:53: expected one of every, got "evry" (did you mean every?)',
    ],
    [
      `${HEAD}${OBSERVE}vms: [{ vcpus: [{ program: periodic-timer, options: { period: 5s } }] }]\n`,
      'lost.yaml:4:63: vms[0].vcpus[0].options.period: expected 1us to 4s, got "5s"',
    ],
    [
      `${HEAD}${OBSERVE}vms: [{ name: "", vcpus: [{ program: idle }] }]\n`,
      'lost.yaml:4:15: vms[0].name: expected text, got ""',
    ],
    [
      `${HEAD}${OBSERVE}host: { tsc: 2GHz }\nvms: [{ tsc: 1GHz, scaling: absent, vcpus: [{ program: idle }] }]\n`,
      'lost.yaml:5:14: vms[0].tsc: expected 1999.5MHz or more where the hardware does not scale the TSC, got "1GHz"',
    ],
    [
      `${HEAD}${OBSERVE}host: { cpus: 1 }\n${TWO}`,
      "lost.yaml:5:66: vms[0].vcpus[1].cpu: expected one of the host's 1 CPUs, counted from 0, got 1",
    ],
    [
      `${HEAD}${OBSERVE}vms: [{ vcpus: [{ program: idle, cpu: 1 }, { program: idle, cpu: 1 }] }]\n`,
      "lost.yaml:4:66: vms[0].vcpus[1].cpu: expected a CPU of its own, got 1, where vCPU 0 is",
    ],
    [
      `${HEAD}${ONE}${OBSERVE}timeline: [{ at: 1s, do: slep }]\n`,
      'lost.yaml:5:26: timeline[0].do: expected one of pause, wake, move-vcpu, tsc-offset, new-reference, set-clock, ntp, clocksource, host-sleep, got "slep"',
    ],
    [
      `${HEAD}${ONE}${OBSERVE}timeline: [{ do: new-reference }]\n`,
      "lost.yaml:5:12: timeline[0].at: expected a time such as 10m, 1h or 250us, got nothing",
    ],
    [
      `${HEAD}${ONE}${OBSERVE}timeline: [{ at: 2s, do: new-reference }]\n`,
      "lost.yaml:5:18: timeline[0].at: expected an end within the duration, 1s, got 2s",
    ],
    [
      `${HEAD}${ONE}${OBSERVE}timeline: [{ at: 1ms, do: host-sleep, for: 1s }]\n`,
      "lost.yaml:5:44: timeline[0].for: expected an end within the duration, 1s, got 1.001s",
    ],
    [
      `${HEAD}${ONE}${OBSERVE}timeline: [{ at: 1ms, do: pause, for: 1ms, vcpu: 1 }]\n`,
      "lost.yaml:5:50: timeline[0].vcpu: expected one of the VM's 1 vCPUs, counted from 0, got 1",
    ],
    [
      `${HEAD}${ONE}${OBSERVE}timeline: [{ at: 1ms, do: set-clock }]\n`,
      "lost.yaml:5:12: timeline[0]: expected to or by, one of them, got neither",
    ],
    [
      `${HEAD}${ONE}${OBSERVE}timeline: [{ at: 1ms, do: clocksource, to: hept }]\n`,
      'lost.yaml:5:44: timeline[0].to: expected one of tsc, hpet, acpi_pm, got "hept" (did you mean hpet?)',
    ],
    [
      `${HEAD}${TWO}${OBSERVE}timeline: [{ at: 1ms, do: move-vcpu, vcpu: 0, cpu: 1 }]\n`,
      "lost.yaml:5:52: timeline[0].cpu: expected a CPU that no vCPU is on by then, got 1, where vCPU 1 is",
    ],
    [
      `${HEAD}${TWO}${OBSERVE}host: { cpus: 2 }\ntimeline: [{ at: 1ms, do: move-vcpu, vcpu: 0, cpu: 2 }]\n`,
      "lost.yaml:6:52: timeline[0].cpu: expected one of the host's 2 CPUs, counted from 0, got 2",
    ],
    [`${HEAD}${ONE}observe: {}\n`, "lost.yaml:4:10: observe: expected one observation or more, got none"],
    [
      `${HEAD}${ONE}observe: { 1st: { quantity: exits } }\n`,
      'lost.yaml:4:17: observe.1st: expected a name of letters, digits and _, got "1st"',
    ],
    [
      `${HEAD}${ONE}observe: { n: { quantity: exit } }\n`,
      "lost.yaml:4:27: observe.n.quantity: expected one of ticks-seen, ticks-due, ticks-lost",
    ],
    [
      `${HEAD}${ONE}observe: { n: { quantity: backward-steps } }\n`,
      "lost.yaml:4:27: observe.n.quantity: expected a vCPU that runs clock-reader, got backward-steps of one that runs periodic-timer",
    ],
    [
      `${HEAD}${TWO}observe: { n: { quantity: exits } }\n`,
      "lost.yaml:4:15: observe.n.vcpu: expected one of the VM's 2 vCPUs, counted from 0, got nothing",
    ],
    [
      `${HEAD}${ONE}observe: { n: { quantity: master-clock, vcpu: 0 } }\n`,
      "lost.yaml:4:47: observe.n.vcpu: expected none: master-clock is of the whole machine, got 0",
    ],
    [
      `${HEAD}${ONE}observe: { n: { quantity: exits, at: 2s } }\n`,
      "lost.yaml:4:38: observe.n.at: expected an end within the duration, 1s, got 2s",
    ],
    [
      `${HEAD}${ONE}observe: { on: { quantity: longest-gap } }\nexpect: ["on < 2GHz"]\n`,
      'lost.yaml:5:10: expect[0]: expected a time such as 10m, 1h or 250us, got "2GHz"',
    ],
    [
      `${HEAD}${ONE}${OBSERVE}expect: [m == 0]\n`,
      'lost.yaml:5:10: expect[0]: expected an observation (n), got "m" (did you mean n?)',
    ],
    [`${HEAD}${ONE}${OBSERVE}compare: [v4.16]\n`, "lost.yaml:5:10: compare: expected 2 to 26 kernels, got 1"],
    [
      `${HEAD}${ONE}${OBSERVE}compare: [v4.16, v3.1]\n`,
      'lost.yaml:5:18: compare[1]: kernel: expected v4.5 or newer, got "v3.1"',
    ],
  ])("refuses %j with its place", (text, message) => {
    expect(() => read(text)).toThrow(ChronovisorError);
    expect(() => read(text)).toThrow(message);
  });
});

it("a vCPU may go to a CPU that another one left before, whatever the order it is written in", () => {
  const moves = [
    "{ at: 2ms, do: move-vcpu, vcpu: 1, cpu: 0 }",
    "{ at: 1ms, do: move-vcpu, vcpu: 0, cpu: 2 }",
  ];
  expect(() => read(`${HEAD}${TWO}${OBSERVE}timeline: [${moves.join(", ")}]\n`)).not.toThrow();
});
