import { distributionOf } from "../../scenario/distribution.js";
import type { Distribution, Table } from "../../scenario/types.js";

/** One timer interrupt the guest took: the CPUs it came by, and how late it was. */
export interface Delivery {
  /** The CPU that ran the callback. */
  readonly expiredOn: number;
  /** The CPU that set the request bit. */
  readonly injectedOn: number;
  /** The CPU the guest was on when it took the interrupt. */
  readonly takenOn: number;
  /** From the instant the timer was due to the guest taking it. */
  readonly lateNs: bigint;
}

/** How late `deliveries` were. */
export function latencyOf(deliveries: readonly Delivery[]): Distribution {
  const late = deliveries.map(({ lateNs }) => lateNs);
  return distributionOf("from expiry to the guest taking it", "ns", late);
}

/** Deliveries by the CPU that ran the callback and the CPU that injected, in this order. */
export function routesOf(deliveries: readonly Delivery[]): Table {
  const routes = new Map<string, Delivery[]>();
  for (const delivery of deliveries) {
    const key = `${delivery.expiredOn} ${delivery.injectedOn}`;
    const route = routes.get(key);
    if (route === undefined) routes.set(key, [delivery]);
    else route.push(delivery);
  }
  const ordered = [...routes.values()].sort(([a], [b]) =>
    a === undefined || b === undefined ? 0 : a.expiredOn - b.expiredOn || a.injectedOn - b.injectedOn,
  );
  return {
    title: "Where timers expired, and where they were injected",
    columns: [
      { name: "callback", unit: "count", title: "callback on CPU" },
      { name: "injection", unit: "count", title: "injected on CPU" },
      { name: "timers", unit: "count", title: "timers" },
      { name: "p50", unit: "ns", title: "p50" },
      { name: "p99", unit: "ns", title: "p99" },
      { name: "max", unit: "ns", title: "max" },
    ],
    rows: ordered.flatMap((route) => {
      const { quantiles } = latencyOf(route);
      const [first] = route;
      if (first === undefined || quantiles === undefined) return [];
      const { p50, p99, max } = quantiles;
      return [[BigInt(first.expiredOn), BigInt(first.injectedOn), BigInt(route.length), p50, p99, max]];
    }),
  };
}
