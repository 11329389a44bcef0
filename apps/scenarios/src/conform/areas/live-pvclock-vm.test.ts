import {
  clocksourceMask,
  type HostTsc,
  hostTsc,
  registerClocksource,
  TSC_SCALING,
} from "@chronovisor/clocksource";
import {
  MSR_KVM_SYSTEM_TIME_NEW,
  NEWEST_PVCLOCK_BEHAVIOURS,
  type PvclockBehaviours,
  type VcpuKvmclock,
  VmKvmclock,
  type VmKvmclockState,
} from "@chronovisor/pvclock";
import { expect, it } from "vitest";
import { conform } from "../conform.js";
import { hexBytes, toHex } from "../hex-bytes.js";
import type { JudgeRow, Mismatch, Row } from "../replay.js";
import { big, bool, compare, list, MalformedRow, num, object, text } from "../row-fields.js";
import { inStep, RecordedHost, recordedCounter, singleArea } from "./pvclock-recorded-host.js";

/** The recording kernel, 6.18, and the two things peculiar to it (docs/model/pvclock, "Observed on a running kernel"). */
const V6_18: PvclockBehaviours = {
  ...NEWEST_PVCLOCK_BEHAVIOURS,
  periodicSync: "300s",
  globalUpdate: "delayed-100ms",
  xenMapYank: "yank",
  systemTimeWrite: "clears-stable",
};

/** The recording machine had neither TSC scaling nor offsetting. */
const HOST_COUNTER = recordedCounter({
  fractionBits: 48,
  ratio: TSC_SCALING.vmx.defaultRatio,
  l1Offset: 0n,
  hasTscScaling: false,
});

const AREA_SIZE = 32;

/** One VM with one vCPU, and the area it publishes to. */
class RecordedVm {
  readonly vm: VmKvmclock;
  readonly vcpu: VcpuKvmclock;
  readonly area: Uint8Array = new Uint8Array(AREA_SIZE);
  readonly #host: RecordedHost;
  readonly #khz: number;

  constructor(khz: number, now: HostTsc, saved?: VmKvmclockState) {
    this.#khz = khz;
    this.#host = hostTicking(khz, now);
    const surroundings = { host: this.#host, memory: singleArea(this.area), tsc: inStep(HOST_COUNTER) };
    this.vm = saved
      ? VmKvmclock.fromState(saved, surroundings)
      : new VmKvmclock({ ...surroundings, behaviours: V6_18 });
    const [vcpu = this.vm.addVcpu(HOST_COUNTER)] = this.vm.vcpus;
    // The creation of the vCPU asked for a master clock, and the first run takes a reference.
    if (!saved) vcpu.request("masterclock-update");
    this.vcpu = vcpu;
  }

  /** The host's counter stands at `now`. */
  at(now: HostTsc): this {
    this.#host.now = now;
    return this;
  }

  /** The same VM on a host whose timekeeper ticked just before `now`. */
  continued(now: HostTsc): RecordedVm {
    const copy = new RecordedVm(this.#khz, now, this.vm.state());
    copy.area.set(this.area);
    return copy;
  }
}

/** Every VM of the file after the other: rows of one VM share it. */
function judgeRecordedVm(): JudgeRow {
  let recorded: RecordedVm | undefined;
  return (row) => {
    const run = instant(object(row, "after"), "tsc_timestamp");
    recorded =
      num(row, "seq") === 0 || recorded === undefined
        ? new RecordedVm(num(row, "tsc_khz"), run)
        : recorded.continued(run);
    return judgeWrite(row, recorded) ?? judgeRun(row, recorded, run) ?? judgePairs(row, recorded);
  };
}

/** The MSR write, seen in the area before anything ran. */
function judgeWrite(row: Row, { vcpu, area }: RecordedVm): Mismatch | undefined {
  area.set(areaBytes(row, "before"));
  const accepted = vcpu.wrmsr(MSR_KVM_SYSTEM_TIME_NEW, big(row, "msr_written"), "host");
  return compare(
    {
      msr_accepted: bool(row, "msr_accepted"),
      msr_readback: text(row, "msr_readback"),
      after_msr_write: toHex(areaBytes(row, "after_msr_write")),
      page_same_until_run: bool(row, "page_same_until_run"),
    },
    {
      msr_accepted: accepted,
      msr_readback: String(vcpu.rdmsr(MSR_KVM_SYSTEM_TIME_NEW)),
      after_msr_write: toHex(area),
      page_same_until_run: true,
    },
  );
}

/**
 * SET_CLOCK and KVMCLOCK_CTRL, then one entry. Where a new reference is still asked for, the entry takes one, and when the
 * clock was set is known only to lie in a bracket: then the row's system_time has to lie between what both ends give.
 */
function judgeRun(row: Row, recorded: RecordedVm, run: HostTsc): Mismatch | undefined {
  const after = object(row, "after");
  const systemTime = big(after, "system_time");
  const isRetaken = recorded.vcpu.requests.includes("masterclock-update");
  if (row.set_clock !== null) {
    const set = object(row, "set_clock");
    const [low, high] = [instant(set, "host_tsc_before"), instant(set, "host_tsc_after")];
    const clock = big(set, "clock");
    const outside = isRetaken
      ? compare({ bracketed: true }, { bracketed: isBetween(systemTime, recorded, [high, low], clock, run) })
      : compare({ bracketed: true }, { bracketed: low <= run && run <= high });
    if (outside) return outside;
    recorded.at(run).vm.setClock({ clock: isRetaken ? systemTime : clock });
  } else if (isRetaken) {
    // A clock that was never set: the row says where it stands.
    recorded.at(run).vm.setClock({ clock: systemTime });
  }
  if (bool(row, "clock_ctrl")) recorded.vcpu.kvmclockCtrl();
  recorded.at(run).vcpu.serviceRequests();
  return compare({ after: toHex(areaBytes(row, "after")) }, { after: toHex(recorded.area) });
}

/** Whether a clock set at the late and the early end, then re-referenced at `run`, brackets `systemTime`. */
function isBetween(
  systemTime: bigint,
  recorded: RecordedVm,
  ends: readonly HostTsc[],
  clock: bigint,
  run: HostTsc,
): boolean {
  const [least = 0n, most = 0n] = ends.map((end) => {
    const trial = recorded.continued(end);
    trial.at(end).vm.setClock({ clock });
    trial.at(run).vcpu.serviceRequests();
    return trial.vcpu.cached.systemTime;
  });
  return least <= systemTime && systemTime <= most;
}

function judgePairs(row: Row, recorded: RecordedVm): Mismatch | undefined {
  for (const pair of list(row, "pairs")) {
    const columns = pair as Row;
    const { clock, flags, hostTsc: tsc } = recorded.at(instant(columns, "host_tsc")).vm.getClock();
    const mismatch = compare(
      { clock: big(columns, "clock"), flags: num(columns, "flags"), host_tsc: big(columns, "host_tsc") },
      { clock, flags, host_tsc: tsc },
    );
    if (mismatch) return mismatch;
  }
  return undefined;
}

/** Its clocks count from `now` on at the rates of a clocksource of that frequency. */
function hostTicking(khz: number, now: HostTsc): RecordedHost {
  const tsc = { scale: 1000, freq: khz, mask: clocksourceMask(64), watchdogMaxSkewNs: 0 };
  const { mult, shift } = registerClocksource(tsc);
  const clock = { mult, xtimeNsec: 0n, baseNs: 0n };
  const bases = { cycleLast: now, shift, raw: clock, mono: clock };
  return new RecordedHost(khz, { ...bases, offsBootNs: 0n, wallTimeSec: 0n });
}

const instant = (row: Row, column: string): HostTsc => hostTsc(big(row, column));

function areaBytes(row: Row, column: string): Uint8Array {
  const bytes = hexBytes(object(row, column), "bytes");
  if (bytes.length === AREA_SIZE) return bytes;
  throw new MalformedRow(column, "32 bytes", bytes.length);
}

it("a VM driven like the recorded one publishes its pages and reads its clock", async () => {
  const replay = { area: "live-kvm", file: "pvclock", create: judgeRecordedVm };
  const { files } = await conform({ areas: ["live-kvm"], replays: [replay] });
  const { rows, passed, firstFailure } = files.find(({ file }) => file === "pvclock.jsonl") ?? {};
  expect(firstFailure).toBeNull();
  expect([rows, passed]).toEqual([78, 78]);
});
