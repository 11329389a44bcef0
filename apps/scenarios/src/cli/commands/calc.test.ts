import { describe, expect, it } from "vitest";
import { recordingContext } from "../fixtures/metronome.js";
import { main } from "../main.js";

async function cli(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { context, out, err } = recordingContext();
  const code = await main(args, context);
  return { code, out: out(), err: err() };
}

const CALCULATORS = ["mult-shift", "tsc-scale", "pvclock", "drift", "migrate"] as const;

/** A command line as a shell takes it apart: lines joined at a backslash, quotes removed. */
function words(line: string): readonly string[] {
  const joined = line.replace(/\\\n/g, "");
  return [...joined.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

/** The examples of a help text, each of which may go on over lines that end in a backslash. */
function examples(help: string): readonly string[] {
  const text = help.split("\nExamples:\n")[1] ?? "";
  return [...text.matchAll(/^ {2}chronovisor ((?:.*\\\n)*.*)$/gm)].map(([, line = ""]) => line);
}

describe("the examples in the help of", () => {
  it.each(CALCULATORS)("%s work", async (name) => {
    const lines = examples((await cli("calc", name, "--help")).out);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const { code, out, err } = await cli(...words(line));
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).not.toBe("");
    }
  });
});

describe("--json", () => {
  it.each(CALCULATORS)("of %s is one line of JSON with every term exact", async (name) => {
    const [line = ""] = examples((await cli("calc", name, "--help")).out);
    const first = await cli(...words(line), "--json");
    expect(first.out.split("\n")).toHaveLength(2);
    const { calculator, terms } = JSON.parse(first.out) as { calculator: string; terms: object };
    expect(calculator).toBe(name);
    for (const { value } of Object.values(terms) as { value: string }[]) {
      expect(value).toMatch(/^(?:-?\d+(?:\.\d{6})?|0x[0-9a-f]+)$/);
    }
  });
});

/** What the model's pages state, as a person asks for it: [question, term, exact value]. */
describe("the figures of the pages", () => {
  const migrate =
    "migrate --guest-khz 2.5GHz --source-khz 2.9GHz --source-tsc 250560000000000 --source-ns 3599999999958 --source-offset -206999999999999 --dest-khz 3.1GHz --dest-tsc 3100000000000 --dest-ns 3600499999958";
  const line =
    "version 3, tsc_timestamp 0x3e8, system_time 0x7, tsc_to_system_mul 0xcccccccc, tsc_shift -1, flags 0x1";
  it.each<[string, readonly string[], string, string]>([
    ["pvclock §6", words("drift --host-khz 3GHz --guest-khz 2.5GHz"), "dayAheadNs", "34575350"],
    [
      "pvclock §6",
      words("drift --host-khz 2.9GHz --guest-khz 2.5GHz --vendor svm"),
      "dayAheadNs",
      "34537732",
    ],
    ["pvclock §6", words("drift --host-khz 2GHz --guest-khz 2.5GHz"), "dayAheadNs", "-20117"],
    ["scenarios-clock §S4", words(migrate), "correctOffset", "6501250000001"],
    ["scenarios-clock §S4", words(migrate), "documentedOffset", "40461250000001"],
    ["scenarios-clock §S4", words(migrate), "aheadSeconds", "13584"],
    [
      "clocksource-tsc §5.1",
      words("tsc-scale --host-khz 2.4GHz --guest-khz 2.5GHz"),
      "ratio",
      "293203100740266",
    ],
    ["pvclock §1.6", ["pvclock", "--line", line, "--tsc", "2500001000"], "reading", "1000000006"],
    ["clocksource-tsc §2", words("mult-shift --from-hz 2.5GHz --to-hz 1GHz"), "mult", "6710886"],
  ])("%s: calc %j has %s %s", async (_page, args, term, exact) => {
    const { code, out, err } = await cli("calc", ...args, "--json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { terms } = JSON.parse(out) as { terms: Record<string, { value: string }> };
    expect(terms[term]?.value.replace(/\.0+$/, "")).toBe(exact);
  });
});

describe("a wrong request is one line and exit 2:", () => {
  const drift = ["drift", "--host-khz", "3GHz", "--guest-khz"];
  const pvclock = ["--tsc-timestamp", "0", "--system-time", "0", "--mul", "1", "--tsc", "1"];
  it.each<[readonly string[], string]>([
    [["dift"], `calculator: expected one of ${CALCULATORS.join(", ")}, got "dift" (did you mean drift?)`],
    [["drift", "--host-khz", "3GHz"], "required option '--guest-khz <freq>' not specified"],
    [[...drift, "0"], '--guest-khz: expected 1 to 4294967295 kHz, got "0"'],
    [
      ["drift", "--host-khz", "0kHz", "--guest-khz", "1"],
      '--host-khz: expected 1 to 4294967295 kHz, got "0kHz"',
    ],
    [
      [...drift, "2.5GHz", "--vendor", "vmxx"],
      '--vendor: expected one of vmx, svm, got "vmxx" (did you mean vmx?)',
    ],
    [[...drift, "2.5GHz", "--ntp-ppm", "501"], '--ntp-ppm: expected -500 to 500 ppm, got "501"'],
    [[...drift, "2.5GHz", "--tick-hz", "300"], '--tick-hz: expected one of 100, 250, 1000, got "300"'],
    [[...drift, "1GHz", "--guest-khz", "2GHz"], '--guest-khz: given twice, as "1GHz" and "2GHz"'],
    [
      ["mult-shift", "--from-hz", "5GHz", "--to-hz", "1GHz"],
      '--from-hz: expected 1 to 4294967295 Hz, got "5GHz"',
    ],
    [
      ["mult-shift", "--from-hz", "1GHz", "--to-hz", "1GHz", "--bits", "65"],
      '--bits: expected 1 to 64, got "65"',
    ],
    [["pvclock", ...pvclock], "--shift: expected a value, or all of them in --line, got none"],
    [["pvclock", ...pvclock, "--shift", "64"], '--shift: expected -63 to 63, got "64"'],
    [["pvclock", "--line", "x", "--mul", "1"], "--mul: --line has it too; give one of them"],
    [
      ["pvclock", "--line", "version 2,"],
      '--line: expected a kvm_pvclock_update line with tsc_timestamp, got "version 2,"',
    ],
    [
      ["tsc-scale", "--host-khz", "3GHz", "--guest-khz", "2.5GHz", "--tsc", "0x10000000000000000"],
      '--tsc: expected 0 to 18446744073709551615 cycles, got "0x10000000000000000"',
    ],
  ])("calc %j", async (args, line) => {
    expect(await cli("calc", ...args)).toEqual({ code: 2, out: "", err: `chronovisor: ${line}\n` });
  });

  it("calc migrate with an offset past 64 bits", async () => {
    const [line = ""] = examples((await cli("calc", "migrate", "--help")).out);
    const args = words(line.replace("-206999999999999", "18446744073709551616"));
    const { code, err } = await cli(...args);
    expect(code).toBe(2);
    expect(err).toBe(
      'chronovisor: --source-offset: expected -9223372036854775808 to 18446744073709551615 cycles, got "18446744073709551616"\n',
    );
  });
});
