/** What the choice of a CPU for an unpinned timer looks at. Every member is optional. */
export interface Topology {
  /** The CPU runs its idle task and nothing is about to run (`idle_cpu`). A CPU inside a guest is not idle. Default: never. */
  isIdle?(cpu: number): boolean;
  /** The CPU takes timers of others: the complement of nohz_full and isolcpus=nohz (`HK_TYPE_TIMER`). Default: all do. */
  isHousekeeping?(cpu: number): boolean;
  /** Scheduling domains of a CPU, innermost first, each as the CPUs it spans. Default: one domain of all CPUs. */
  domains?(cpu: number): readonly (readonly number[])[];
  /** The housekeeping CPU closest by NUMA distance, if known. Default: the first online one. */
  closestHousekeeping?(cpu: number): number | undefined;
}
