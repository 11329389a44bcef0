import { describe, expect, it } from "vitest";
import { ChronovisorError, didYouMean, unknownName } from "./errors.js";

describe("didYouMean", () => {
  it.each<[string, string[], string]>([
    ["perod", ["duration", "period"], " (did you mean period?)"],
    ["period", ["period"], " (did you mean period?)"],
    ["no", ["on", "off"], " (did you mean on?)"],
    ["periodicadvanc", ["periodicAdvance", "period0"], " (did you mean periodicAdvance?)"],
    ["xyzzy", ["duration", "period"], ""],
    ["anything", [], ""],
  ])("%j among %j", (given, known, hint) => {
    expect(didYouMean(given, known)).toBe(hint);
  });
});

it("an unknown name is answered with those there are", () => {
  const error = unknownName("scenario", "periodic-drif", ["periodic-drift", "long-stop"]);
  expect(error).toBeInstanceOf(ChronovisorError);
  expect(error.name).toBe("ChronovisorError");
  expect(error.message).toBe(
    'scenario: expected one of periodic-drift, long-stop, got "periodic-drif" (did you mean periodic-drift?)',
  );
});
