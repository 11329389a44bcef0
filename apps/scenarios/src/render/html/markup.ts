/**
 * HTML and SVG as values. Text becomes markup only by way of `element`, which escapes it: a title with a `<` in it is
 * read as that title. The bytes are those a parser would serialise again, so that a test can hold them to it.
 */

/** A finished piece of markup. */
export interface Html {
  readonly html: string;
}

/** What an element may hold: markup as it is, text escaped, lists flattened, nothing left out. */
export type Child = Html | string | undefined | readonly Child[];

/** `undefined` leaves an attribute out, `""` writes one without a value; numbers are drawing only. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const VOID_ELEMENTS: ReadonlySet<string> = new Set(["br", "meta"]);

/** Nothing finer than a hundredth of a pixel is seen. */
const DECIMALS = 2;

/** Characters that no document may hold, whatever they are escaped as: C0 controls but tab and line feed, DEL and C1, lone surrogates. */
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is to find
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escapeText(text: string): string {
  return text
    .replace(UNPRINTABLE, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("\u00a0", "&nbsp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', "&quot;");
}

/** A coordinate: at most two decimals, so that the bytes do not hang on the last digit of a double. */
export function coordinate(value: number): string {
  // Adding 0 makes −0 the 0 it is drawn as.
  return String(Number(value.toFixed(DECIMALS)) + 0);
}

function serialise(child: Child): string {
  if (child === undefined) return "";
  if (typeof child === "string") return escapeText(child);
  return "html" in child ? child.html : child.map(serialise).join("");
}

/**
 * An element with its attributes and what is in it.
 *
 * @param name - as the program writes it, never from data
 * @example
 * element("p", { class: "note" }, "a < b") // => { html: '<p class="note">a &lt; b</p>' }
 */
export function element(name: string, attributes: Attributes, ...children: readonly Child[]): Html {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined
      ? []
      : [` ${key}="${escapeAttribute(typeof value === "number" ? coordinate(value) : value)}"`],
  );
  const start = `<${name}${written.join("")}>`;
  if (VOID_ELEMENTS.has(name)) return { html: start };
  return { html: `${start}${serialise(children)}</${name}>` };
}

/**
 * A style sheet, which is not escaped inside a document.
 *
 * @throws RangeError for a text that would end it
 */
export function styleElement(css: string): Html {
  if (css.includes("</")) throw new RangeError('styleElement: expected CSS without "</", got one with it');
  return { html: `<style>${css}</style>` };
}
