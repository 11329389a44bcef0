import type { Arg, Flow, Mark } from "../timeline/timeline.js";
import {
  DEBUG_ANNOTATION,
  INTERNED_DATA,
  INTERNED_STRING,
  TRACE_PACKET,
  TRACK_EVENT,
  type TRACK_EVENT_TYPE,
} from "./fields.js";
import { type InternedText, Interner } from "./interner.js";
import type { ProtoWriter } from "./proto-writer.js";

/** `TrackEvent.type`. */
export type TrackEventType = (typeof TRACK_EVENT_TYPE)[keyof typeof TRACK_EVENT_TYPE];

/** What a packet of a `TrackEvent` says, besides its track. A mark's own annotations are its `args`. */
export interface TrackEventFields {
  readonly type: TrackEventType;
  readonly mark?: Mark | undefined;
  readonly args?: readonly Arg[] | undefined;
  readonly value?: bigint | undefined;
}

/** How texts are written: each in full, or by the ids of a sequence's tables. */
export interface Wording {
  readonly categories: Interner;
  readonly names: Interner;
  readonly argNames: Interner;
}

/** Tables for one sequence. */
export function createWording(): Wording {
  return { categories: new Interner(), names: new Interner(), argNames: new Interner() };
}

/**
 * Writes the payload of a packet of an event, on the sequence's default track where `trackUuid` is `undefined`. Without a wording every
 * text is written in full.
 */
export function writeTrackEvent(
  out: ProtoWriter,
  trackUuid: number | undefined,
  { type, mark, args, value }: TrackEventFields,
  wording: Wording | undefined,
): void {
  const message = out.open(TRACE_PACKET.trackEvent);
  out.integer(TRACK_EVENT.type, type);
  if (trackUuid !== undefined) out.integer(TRACK_EVENT.trackUuid, trackUuid);
  if (mark !== undefined) {
    const { category, name } = mark;
    const names = mark.wording === "vocabulary" ? wording?.names : undefined;
    if (category !== undefined) {
      writeText(out, TRACK_EVENT.categories, TRACK_EVENT.categoryIids, category, wording?.categories);
    }
    writeText(out, TRACK_EVENT.name, TRACK_EVENT.nameIid, name, names);
    writeArgs(out, mark.args, wording);
  }
  if (args !== undefined) writeArgs(out, args, wording);
  if (mark?.flow !== undefined) writeFlow(out, mark.flow);
  if (value !== undefined) out.integer(TRACK_EVENT.counterValue, value);
  out.close(message);
}

/** Writes the ids that a packet's payload was the first to use. */
export function writeInternedData(out: ProtoWriter, wording: Wording): void {
  const categories = wording.categories.takeFresh();
  const names = wording.names.takeFresh();
  const argNames = wording.argNames.takeFresh();
  if (categories.length + names.length + argNames.length === 0) return;
  const data = out.open(TRACE_PACKET.internedData);
  for (const text of categories) writeInterned(out, INTERNED_DATA.eventCategories, text);
  for (const text of names) writeInterned(out, INTERNED_DATA.eventNames, text);
  for (const text of argNames) writeInterned(out, INTERNED_DATA.debugAnnotationNames, text);
  out.close(data);
}

function writeInterned(out: ProtoWriter, field: number, [iid, text]: InternedText): void {
  const entry = out.open(field);
  out.integer(INTERNED_STRING.iid, iid);
  out.text(INTERNED_STRING.name, text);
  out.close(entry);
}

function writeText(
  out: ProtoWriter,
  field: number,
  iidField: number,
  text: string,
  table: Interner | undefined,
): void {
  const iid = table?.iid(text);
  if (iid === undefined) out.text(field, text);
  else out.integer(iidField, iid);
}

/** A 64-bit value goes as decimal text: a viewer's integers are signed and its numbers are doubles. */
function writeArgs(out: ProtoWriter, args: readonly Arg[], wording: Wording | undefined): void {
  for (const arg of args) {
    const value = arg[1];
    const annotation = out.open(TRACK_EVENT.debugAnnotations);
    writeText(out, DEBUG_ANNOTATION.name, DEBUG_ANNOTATION.nameIid, arg[0], wording?.argNames);
    if (typeof value === "number") out.integer(DEBUG_ANNOTATION.int, value);
    else if (typeof value === "bigint") out.decimal(DEBUG_ANNOTATION.string, value);
    else out.text(DEBUG_ANNOTATION.string, value);
    out.close(annotation);
  }
}

function writeFlow(out: ProtoWriter, { id, role }: Flow): void {
  out.fixed64(role === "end" ? TRACK_EVENT.terminatingFlowIds : TRACK_EVENT.flowIds, id);
}
