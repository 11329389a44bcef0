import { defineProject, mergeConfig } from "vitest/config";
import { shared } from "../vitest.shared.ts";

// What takes minutes runs in CI only, and is not even collected elsewhere.
const exclude = process.env.CHRONOVISOR_LONG === "1" ? [] : ["long/**"];

export default mergeConfig(
  shared,
  defineProject({
    test: {
      name: "workspace",
      isolate: true,
      include: ["**/*.test.ts"],
      exclude,
      testTimeout: 120_000,
      hookTimeout: 240_000,
    },
  }),
);
