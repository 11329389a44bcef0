import type { HostTsc } from "@chronovisor/clocksource";
import type { EventSource } from "./engine.js";

/** What a scenario does to the machine at a given instant: stop a vCPU, switch its load, change the host's rate. */
export interface Action {
  readonly at: HostTsc;
  readonly name: string;
  readonly act: () => void;
}

/** Actions in time order; at one instant, in the order they were added. */
export class Timeline implements EventSource {
  readonly name = "timeline";
  readonly lane = undefined;
  readonly #actions: Action[] = [];

  get nextAt(): HostTsc | undefined {
    return this.#actions[0]?.at;
  }

  add(action: Action): void {
    const after = this.#actions.findIndex((other) => other.at > action.at);
    this.#actions.splice(after < 0 ? this.#actions.length : after, 0, action);
  }

  /** The order of the actions stays. */
  moved(instant: (at: HostTsc) => HostTsc): void {
    this.#actions.forEach((action, i) => {
      this.#actions[i] = { ...action, at: instant(action.at) };
    });
  }

  run(): void {
    this.#actions.shift()?.act();
  }
}
