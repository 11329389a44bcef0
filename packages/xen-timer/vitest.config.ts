import { defineProject, mergeConfig } from "vitest/config";
import { bundleForBenches } from "../../test/setup/bundle-for-benches.ts";
import { shared } from "../../vitest.shared.ts";

export default mergeConfig(
  shared,
  defineProject({ plugins: [bundleForBenches(import.meta.url)], test: { name: "xen-timer" } }),
);
