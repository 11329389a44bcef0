import { readFileSync, statSync } from "node:fs";
import { type ReadDocument, readDocument } from "../document/read-document.js";
import { ChronovisorError } from "../errors.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { fileFault } from "./file-fault.js";

/** No document is as large; a file that is, is not read at all. */
const LARGEST_BYTES = 4_000_000;

/** Whether an argument that could be a scenario's name is the path of a document. */
export function isDocumentPath(argument: string): boolean {
  return /\.(ya?ml|json)$/i.test(argument);
}

/** Reads a scenario document from a file. @throws ChronovisorError for a file that cannot be read, or is no document */
export function readDocumentFile(path: string, scenarios: readonly ScenarioDefinition[]): ReadDocument {
  return readDocument(path, readText(path), scenarios);
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > LARGEST_BYTES) {
      throw new ChronovisorError(
        `${path}: expected a scenario document of at most ${LARGEST_BYTES} bytes, got ${size}`,
      );
    }
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof ChronovisorError) throw error;
    throw fileFault(path, "read", error);
  }
}
