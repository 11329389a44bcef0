/**
 * What changed in counters and their conversions between kernels, one axis per change, values oldest first
 * (docs/model/kernel-history §3, whose names these are). Of the last two every release has the first value.
 */
export const CLOCKSOURCE_BEHAVIOURS = {
  /** What counts as a counter that went backwards (`DeltaRule`): before v6.13, v6.13 (76031d9536a0). */
  negMotion: ["msb", "seven-eighths"],
  /** How a reading far from the last accumulation is converted (`CyclesToNsForm`): v4.10, v6.10 (fcf190c36914). */
  delta: ["unsigned", "safe"],
  /** When a TSC value of user space is meant to be in step (`UserTsc`): before v6.7, v6.7 (bf328e22e472). */
  userTsc: ["1s-slop", "first-write-wins"],
  /** When a synchronisation asks for a new reference (`VcpuAddRefresh`): before v6.7, v6.7 (c52ffadc65e2). */
  vcpuAddRefresh: ["always", "on-change"],
  /** What `KVM_SET_TSC_KHZ` does to a counter's value (`TscKhzChange`; `resyncOnKhz`, proposed). */
  tscKhzChange: ["jumps", "resync"],
  /** How catch-up takes an instant before a counter's start (`CatchupDelta`; `catchupNegative`, proposed). */
  catchupDelta: ["unsigned", "signed"],
} as const;

/** The axes of {@link CLOCKSOURCE_BEHAVIOURS}. */
export type ClocksourceAxis = keyof typeof CLOCKSOURCE_BEHAVIOURS;

/** One value per axis. */
export type ClocksourceBehaviours = {
  readonly [Axis in ClocksourceAxis]: (typeof CLOCKSOURCE_BEHAVIOURS)[Axis][number];
};
