import type { HostTsc } from "@chronovisor/clocksource";
import { expect, it } from "vitest";
import { Engine } from "./engine.js";
import { Timeline } from "./timeline.js";

it("acts in time order, in the order added at one instant, and takes actions added while it runs", () => {
  const engine = new Engine(0n as HostTsc);
  const timeline = new Timeline();
  engine.add(timeline);
  const log: string[] = [];
  const at = (instant: bigint, name: string, then?: () => void): void =>
    timeline.add({
      at: instant as HostTsc,
      name,
      act: () => {
        log.push(`${name}@${engine.now}`);
        then?.();
      },
    });
  at(5n, "b");
  at(3n, "a", () => at(4n, "added"));
  at(5n, "c");
  engine.runUntil(9n as HostTsc);
  expect(log).toEqual(["a@3", "added@4", "b@5", "c@5"]);
  expect(timeline.nextAt).toBeUndefined();
});
