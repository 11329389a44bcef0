export type { HostClock } from "./host-clock.js";
export type {
  BoottimeNs,
  GuestTsc,
  HostTsc,
  KvmclockNs,
  MonotonicNs,
  MonotonicRawNs,
  RealtimeNs,
  TaiNs,
} from "./time-types.js";
export {
  boottimeNs,
  guestTsc,
  hostTsc,
  kvmclockNs,
  monotonicNs,
  monotonicRawNs,
  realtimeNs,
  taiNs,
} from "./time-types.js";
