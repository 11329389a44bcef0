import type { Area } from "./areas.js";

/** One file of recorded rows. */
export interface VectorFile {
  readonly area: Area;
  /** The name without `.jsonl`. */
  readonly file: string;
  /** How many rows (lines) it holds, set-up rows included. */
  readonly rows: number;
}

/**
 * Every file of the package, by area in the order of `areas`, then by name.
 *
 * The rows themselves are not loaded: `vectorPath` says where they are.
 */
export const vectorFiles: readonly VectorFile[] = [
  { area: "math", file: "mul_s64_u64_shr", rows: 1048 },
  { area: "math", file: "mul_u64_u32_div", rows: 1079 },
  { area: "math", file: "mul_u64_u32_shr", rows: 1194 },
  { area: "math", file: "mul_u64_u64_div_u64", rows: 1088 },
  { area: "math", file: "mul_u64_u64_shr", rows: 1338 },
  { area: "math", file: "u64_shl_div_u64", rows: 993 },
  { area: "clocksource", file: "clocks_calc_max_nsecs", rows: 812 },
  { area: "clocksource", file: "clocks_calc_mult_shift", rows: 1065 },
  { area: "clocksource", file: "cyc2ns", rows: 817 },
  { area: "clocksource", file: "cycles_to_nsec_safe", rows: 600 },
  { area: "clocksource", file: "freq2mult", rows: 862 },
  { area: "clocksource", file: "timecounter", rows: 840 },
  { area: "clocksource", file: "update_freq_scale", rows: 682 },
  { area: "tsc", file: "adjust_host", rows: 400 },
  { area: "tsc", file: "adjust_tsc_khz", rows: 353 },
  { area: "tsc", file: "l1_offset", rows: 620 },
  { area: "tsc", file: "nested", rows: 650 },
  { area: "tsc", file: "nsec_to_cycles", rows: 820 },
  { area: "tsc", file: "scale_tsc", rows: 1200 },
  { area: "tsc", file: "set_tsc_khz", rows: 956 },
  { area: "pvclock", file: "drift", rows: 732 },
  { area: "pvclock", file: "encode", rows: 400 },
  { area: "pvclock", file: "get_kvmclock", rows: 300 },
  { area: "pvclock", file: "get_time_scale", rows: 936 },
  { area: "pvclock", file: "guest_time_update", rows: 500 },
  { area: "pvclock", file: "read_cycles", rows: 900 },
  { area: "pvclock", file: "scale_delta", rows: 1240 },
  { area: "lapic", file: "adjust_timer_advance", rows: 800 },
  { area: "lapic", file: "divide_count", rows: 61 },
  { area: "lapic", file: "limit_period", rows: 300 },
  { area: "lapic", file: "lvtt_write", rows: 400 },
  { area: "lapic", file: "periodic_advance", rows: 130 },
  { area: "lapic", file: "scenario", rows: 840 },
  { area: "lapic", file: "set_target_expiration", rows: 700 },
  { area: "lapic", file: "sw_tscdeadline", rows: 800 },
  { area: "lapic", file: "tmcct", rows: 700 },
  { area: "lapic", file: "tmict_to_ns", rows: 594 },
  { area: "lapic", file: "update_target_expiration", rows: 700 },
  { area: "lapic", file: "wait_lapic_expire", rows: 400 },
  { area: "hvtimer", file: "set_hv_timer", rows: 860 },
  { area: "hvtimer", file: "update_hv_timer", rows: 500 },
  { area: "xen", file: "clock_sampling", rows: 420 },
  { area: "xen", file: "linux_workaround", rows: 600 },
  { area: "xen", file: "start_timer", rows: 500 },
  { area: "hrtimer", file: "forward", rows: 784 },
  { area: "hrtimer", file: "queue_order", rows: 150 },
  { area: "hrtimer", file: "sequence", rows: 1232 },
  { area: "hrtimer", file: "sequence_multibase", rows: 1072 },
  { area: "hrtimer", file: "set_expires_range", rows: 490 },
  { area: "timekeeping", file: "clock_read_hz1000", rows: 600 },
  { area: "timekeeping", file: "clock_read_hz250", rows: 600 },
  { area: "timekeeping", file: "nohz_sequence_hz1000", rows: 1265 },
  { area: "timekeeping", file: "nohz_sequence_hz250", rows: 1265 },
  { area: "timekeeping", file: "ntp_update_frequency_hz1000", rows: 300 },
  { area: "timekeeping", file: "ntp_update_frequency_hz250", rows: 300 },
  { area: "timekeeping", file: "second_overflow_hz1000", rows: 350 },
  { area: "timekeeping", file: "second_overflow_hz250", rows: 350 },
  { area: "timekeeping", file: "setup_internals_hz1000", rows: 300 },
  { area: "timekeeping", file: "setup_internals_hz250", rows: 300 },
  { area: "timekeeping", file: "tick_sequence_hz1000", rows: 2002 },
  { area: "timekeeping", file: "tick_sequence_hz250", rows: 2002 },
  { area: "live-kvm", file: "lapic_state", rows: 232 },
  { area: "live-kvm", file: "pvclock", rows: 78 },
  { area: "live-kvm", file: "tmcct", rows: 155 },
  { area: "live-kvm", file: "tsc_deadline", rows: 587 },
  { area: "live-kvm", file: "x2apic_registers", rows: 4302 },
  { area: "live-kvm", file: "x2apic_sequences", rows: 3799 },
  { area: "live-kvm", file: "x2apic_sequences_timed", rows: 2799 },
];
