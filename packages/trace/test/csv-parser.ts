/** Reads RFC 4180 a character at a time, LF between rows: every row's fields, quotes taken away. */
export function parseCsv(file: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let quotes: "none" | "open" | "closed" = "none";
  for (const character of file) {
    if (quotes === "open") {
      if (character === '"') quotes = "closed";
      else field += character;
    } else if (character === '"') {
      if (quotes === "closed") field += '"';
      else if (field !== "") throw new Error(`quote inside ${field}`);
      quotes = "open";
    } else if (character === "," || character === "\n") {
      row.push(field);
      field = "";
      quotes = "none";
      if (character === "\n") {
        rows.push(row);
        row = [];
      }
    } else if (quotes === "closed" || character === "\r") {
      throw new Error(`${JSON.stringify(character)} outside of quotes`);
    } else {
      field += character;
    }
  }
  if (field !== "" || row.length > 0) throw new Error("no LF at the end");
  return rows;
}
