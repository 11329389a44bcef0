/**
 * What setting an event came to (docs/model/xen-timer §5). `would-block`: the shared page cannot be written from here;
 * from where one may sleep, it is gone, and so is the event.
 */
export type DeliveryResult = "raised" | "coalesced" | "masked" | "invalid-port" | "would-block";

/** The kernel's return codes of `kvm_xen_set_evtchn`: 1, 0, −ENOTCONN, −EINVAL, −EWOULDBLOCK. */
export const DELIVERY_CODES: Readonly<Record<DeliveryResult, number>> = {
  raised: 1,
  coalesced: 0,
  masked: -107,
  "invalid-port": -22,
  "would-block": -11,
};

/** How a raised event is told to the vCPU: its own vector, a kick to look at vcpu_info, or not at all. */
export type Upcall = "vector" | "kick" | "none";
