/**
 * Offsets of the page a Xen guest shares with its hypervisor (`struct shared_info`, Xen public `xen.h`;
 * docs/model/xen-timer §5). Which of the two layouts holds is latched for the whole VM.
 */

/** The mode a guest was in when its layout was latched: 64-bit long mode or not. */
export type XenLayout = "32-bit" | "64-bit";

/** Offsets in bytes, and how many event channels the page has room for. */
export interface SharedInfoLayout {
  /** Bits in a word of the bitmaps. */
  readonly wordBits: 32 | 64;
  /** Event channel ports. */
  readonly ports: number;
  readonly evtchnPending: number;
  readonly evtchnMask: number;
  /** `wc`: u32 version, sec, nsec. */
  readonly wallClock: number;
  /** `wc_sec_hi`: the seconds' high 32 bits. */
  readonly wallClockSecHi: number;
  /** Bytes of `vcpu_runstate_info`, and the offset of its `state_entry_time`: 32-bit code packs the u64 behind the int. */
  readonly runstateBytes: number;
  readonly runstateEntryTime: number;
  /** `evtchn_pending_sel` inside vcpu_info. */
  readonly pendingSelector: number;
}

/** Bytes of the page. */
export const SHARED_INFO_BYTES = 4096;
/** Bytes of one `vcpu_info`, both layouts. */
export const VCPU_INFO_BYTES = 64;
/** u8 `evtchn_upcall_pending` inside vcpu_info. */
export const UPCALL_PENDING = 0;

/** The two layouts. */
export const SHARED_INFO_LAYOUTS: Readonly<Record<XenLayout, SharedInfoLayout>> = {
  "32-bit": {
    wordBits: 32,
    ports: 1024,
    evtchnPending: 0x800,
    evtchnMask: 0x880,
    wallClock: 0x900,
    wallClockSecHi: 0x924,
    runstateBytes: 44,
    runstateEntryTime: 4,
    pendingSelector: 4,
  },
  "64-bit": {
    wordBits: 64,
    ports: 4096,
    evtchnPending: 0x800,
    evtchnMask: 0xa00,
    wallClock: 0xc00,
    wallClockSecHi: 0xc0c,
    runstateBytes: 48,
    runstateEntryTime: 8,
    pendingSelector: 8,
  },
};
