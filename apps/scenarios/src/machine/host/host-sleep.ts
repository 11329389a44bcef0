/** A suspend of the host, and what it does to the TSC. */
export interface HostSleep {
  /** Its true length, ns. */
  readonly ns: bigint;
  /** Whether the counter goes on, stands still, or begins anew at a value. */
  readonly tsc: "counts" | "stops" | { readonly resetTo: bigint };
}
