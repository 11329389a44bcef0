import { defineProject, mergeConfig } from "vitest/config";
import { shared } from "../vitest.shared.ts";

export default mergeConfig(
  shared,
  defineProject({
    test: { name: "workspace", include: ["**/*.test.ts"], testTimeout: 120_000, hookTimeout: 240_000 },
  }),
);
