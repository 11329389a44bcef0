import type { Progress, RunResult } from "../scenario/types.js";
import type { ExportedFiles, ExportJob, RunJob } from "./run-job.js";

/** What a worker is told to do, one at a time. */
export type WorkerTask =
  | { readonly type: "run"; readonly job: RunJob }
  | { readonly type: "export"; readonly job: ExportJob };

/** What a worker tells the thread that started it. An error crosses as text: a clone would lose its class. */
export type WorkerMessage =
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "done"; readonly result: RunResult | ExportedFiles }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "crashed"; readonly message: string; readonly stack: string };
