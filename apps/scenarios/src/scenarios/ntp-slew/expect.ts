import type { ExpectationSpec } from "../../scenario/types.js";
import { procedureExpectations } from "./expect-procedure.js";
import { tuningExpectations } from "./expect-tuning.js";
import { waitExpectations } from "./expect-waits.js";
import type { NtpSlewParams } from "./params.js";

export const ntpSlewExpectations: ReadonlyArray<ExpectationSpec<NtpSlewParams>> = [
  ...waitExpectations,
  ...procedureExpectations,
  ...tuningExpectations,
];
