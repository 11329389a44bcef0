import { expect, it } from "vitest";
import { RUN } from "../../test/random-events.js";
import { vcdTranslateFiles } from "./translate-files.js";

it("names the numbers of states and of what CPUs run, in hexadecimal", () => {
  expect(vcdTranslateFiles({ ...RUN, vcpus: 15 }).map(({ name, text }) => [name, text.split("\n")])).toEqual([
    [
      "vcpu-state.txt",
      ["00000000 guest", "00000001 host", "00000002 blocked", "00000003 userspace", "00000004 preempted", ""],
    ],
    [
      "cpu-runs.txt",
      [
        "00000000 idle",
        "00000001 work",
        ...Array.from(
          { length: 15 },
          (_, vcpu) => `000000${(vcpu + 2).toString(16).padStart(2, "0")} vcpu${vcpu}`,
        ),
        "",
      ],
    ],
  ]);
});
