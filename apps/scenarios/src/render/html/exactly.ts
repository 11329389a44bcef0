import type { Quantity } from "../../scenario/types.js";
import { element, type Html } from "./markup.js";

/** What is read, with the exact integer beside it for who copies or reads it out of the page. */
export function exactly(value: Quantity["value"], text: string): Html | string {
  return typeof value === "bigint" ? element("data", { value: value.toString() }, text) : text;
}
