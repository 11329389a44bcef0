import type { Progress, RunResult } from "../scenario/types.js";
import type { ExportedFile } from "./run-job.js";

/** What a worker tells the thread that started it. An error crosses as text: a clone would lose its class. */
export type WorkerMessage =
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "exported"; readonly file: ExportedFile }
  | { readonly type: "result"; readonly result: RunResult }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "crashed"; readonly message: string; readonly stack: string };
