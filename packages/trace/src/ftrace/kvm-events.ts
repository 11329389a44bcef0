import { type PayloadFormat, Tracepoint } from "./tracepoint.js";

/**
 * KVM's tracepoints of time, as `arch/x86/kvm/trace.h` and `include/trace/events/kvm.h` print them, newest format first, and as
 * libtraceevent's kvm plugin does (docs/model/trace-formats §3.3). Where a format's release is named, an older kernel prints the next.
 *
 * A braced field is `{name:conversion}`, `{name=one|of|these}` or `{name?text that may be missing}`.
 */

type Format = string | PayloadFormat;

const formatsOf = (formats: readonly Format[]): readonly PayloadFormat[] =>
  formats.map((format) => (typeof format === "string" ? { dialect: "kernel", template: format } : format));

const kvm = (name: string, ...formats: readonly Format[]): Tracepoint =>
  new Tracepoint(name, "pieces", formatsOf(formats));

/** One that came with a release. */
const kvmSince = (mainline: string, name: string, ...formats: readonly Format[]): Tracepoint =>
  new Tracepoint(name, "pieces", formatsOf(formats), { mainline });

const since = (mainline: string, template: string): PayloadFormat => ({
  dialect: "kernel",
  template,
  since: { mainline },
});

const library = (template: string): PayloadFormat => ({ dialect: "library", template });

/** Read where they are met; the releases this package prints as have the format after them. */
const UNRELEASED = "9999.0";

const EXIT = "vcpu {vcpuId:u} reason {reason:words} rip 0x{rip:x} info1 0x{info1:x16} info2 0x{info2:x16}";
const EXIT_EVENT = "intr_info 0x{intrInfo:x8} error_code 0x{errorCode:x8}";
const ACCEPT_IRQ = "apicid {apicId:x} vec {vector:u} ({deliveryMode:name}|{trigger=edge|level})";
const EOI = "apicid {apicId:x} vector {vector:d}";
const XEN_ARGS = "nr 0x{nr:x} a0 0x{a0:x} a1 0x{a1:x} a2 0x{a2:x} a3 0x{a3:x} a4 0x{a4:x} a5 {a5:x}";
const IRTE =
  "PI is {state=enabled and being updated|disabled} for irq {hostIrq:u}, vcpu {vcpuId:u}, gsi: 0x{gsi:x}, gvec: 0x{guestVector:x}, pi_desc_addr: 0x{descriptor:x}";
const STIMER = "vcpu_id {vcpuId:d} timer {timer:d}";

export const KVM_TRACEPOINTS: readonly Tracepoint[] = [
  kvm(
    "kvm_entry",
    since(
      UNRELEASED,
      "vcpu {vcpuId:u}, rip 0x{rip:x} intr_info 0x{intrInfo:x8} error_code 0x{errorCode:x8}{immediateExit?[immediate exit]}",
    ),
    since("v6.9", "vcpu {vcpuId:u}, rip 0x{rip:x}{immediateExit?[immediate exit]}"),
    since("v5.10", "vcpu {vcpuId:u}, rip 0x{rip:x}"),
    library("vcpu {vcpuId:u} rip 0x{rip:x}{symbol:symbol}"),
    "vcpu {vcpuId:u}",
  ),
  kvm(
    "kvm_exit",
    since(UNRELEASED, `${EXIT} ${EXIT_EVENT} requests 0x{requests:x16}`),
    since("v5.10", `${EXIT} ${EXIT_EVENT}`),
    "reason {reason:words} rip 0x{rip:x} info {info1:x} {info2:x}",
    library("reason {reason:words} rip 0x{rip:x}{symbol:symbol} info {info1:x} {info2:x}"),
  ),
  kvm(
    "kvm_inj_virq",
    since("v6.0", "{type=IRQ|Soft/INTn} 0x{vector:x}{reinjected? [reinjected]}"),
    "irq {vector:u}",
  ),
  kvm("kvm_apic", "apic_{access=read|write} {register:word} = 0x{value:x}"),
  kvm(
    "kvm_apic_ipi",
    "dst {destination:x} vec {vector:u} ({deliveryMode:name}|{destinationMode=physical|logical}|{level=assert|de-assert}|{trigger=edge|level}|{shorthand=dst|self|all|all-but-self})",
  ),
  kvm("kvm_apic_accept_irq", ACCEPT_IRQ),
  kvmSince("v5.17", "kvm_apicv_accept_irq", ACCEPT_IRQ),
  kvm("kvm_eoi", EOI),
  kvm("kvm_pv_eoi", EOI),
  kvm("kvm_msr", "msr_{access=read|write} {msr:x} = 0x{value:x}{exception? (#GP)}"),
  // Unsigned: an offset of −1 cycle is 18446744073709551615. The debugfs file `tsc-offset` has it signed.
  kvm("kvm_write_tsc_offset", "vcpu={vcpuId:u} prev={previousTscOffset:u} next={nextTscOffset:u}"),
  kvm(
    "kvm_update_master_clock",
    "masterclock {useMasterClock:d} hostclock {hostClock:word} offsetmatched {offsetMatched:u}",
  ),
  // Here `offsetmatched` counts vCPUs; above it is a flag.
  kvm(
    "kvm_track_tsc",
    "vcpu_id {vcpuId:u} masterclock {useMasterClock:u} offsetmatched {matchedVcpus:u} nr_online {onlineVcpus:u} hostclock {hostClock:word}",
  ),
  kvm(
    "kvm_pvclock_update",
    "vcpu_id {vcpuId:u}, pvclock { version {version:u}, tsc_timestamp 0x{tscTimestamp:x}, system_time 0x{systemTime:xs64}, tsc_to_system_mul 0x{tscToSystemMul:x}, tsc_shift {tscShift:d}, flags 0x{flags:x} }",
  ),
  kvm("kvm_wait_lapic_expire", "vcpu {vcpuId:u}: delta {delta:d} ({side=early|late})"),
  // With the backend it tells of.
  kvmSince("v4.8", "kvm_hv_timer_state", "vcpu_id {vcpuId:x} hv_timer {hvTimerInUse:x}"),
  kvm("kvm_halt_poll_ns", "vcpu {vcpuId:u}: halt_poll_ns {newNs:u} ({direction=grow|shrink} {oldNs:u})"),
  kvm(
    "kvm_vcpu_wakeup",
    since("v4.7", "{how=wait|poll} time {ns:d} ns, polling {polling=valid|invalid}"),
    "{how=wait|poll} time {ns:d} ns",
  ),
  kvm("kvm_userspace_exit", "reason {reason:words} ({code:d})"),
  kvm(
    "kvm_apicv_inhibit_changed",
    "{change=set|cleared} reason={reason:u}, inhibits=0x{inhibits:x}{names:rest}",
  ),
  kvm("kvm_pi_irte_update", since("v6.2", IRTE), `VT-d ${IRTE}`),
  kvm("kvm_hypercall", "nr 0x{nr:x} a0 0x{a0:x} a1 0x{a1:x} a2 0x{a2:x} a3 0x{a3:x}"),
  // The last argument has no 0x.
  kvm("kvm_xen_hypercall", since("v6.2", `cpl {cpl:d} ${XEN_ARGS}`), XEN_ARGS),
  kvm("kvm_hv_stimer_set_config", `${STIMER} config 0x{config:x} host {host:d}`),
  kvm("kvm_hv_stimer_set_count", `${STIMER} count {count:u} host {host:d}`),
  kvm("kvm_hv_stimer_start_periodic", `${STIMER} time_now {timeNow:u} exp_time {expirationTime:u}`),
  kvm("kvm_hv_stimer_start_one_shot", `${STIMER} time_now {timeNow:u} count {count:u}`),
  kvm("kvm_hv_stimer_callback", STIMER),
  kvm("kvm_hv_stimer_cleanup", STIMER),
  kvm("kvm_hv_stimer_expiration", `${STIMER} direct {direct:d} send result {sendResult:d}`),
];
