/** A variable of a VCD file with every change of it, in order. */
export interface ParsedVariable {
  readonly type: string;
  readonly width: number;
  readonly changes: (readonly [time: bigint, value: string])[];
}

/** What a VCD file says: its header sections, and its variables by their path. */
export interface ParsedVcd {
  readonly sections: Readonly<Record<string, string>>;
  readonly variables: ReadonlyMap<string, ParsedVariable>;
  /** Every `#time`, in order. */
  readonly times: readonly bigint[];
}

/** Reads IEEE 1364 value change dumps, with GTKWave's strings, a word at a time; throws for what a strict reader would not take. */
export function parseVcd(file: string): ParsedVcd {
  const words = file.split(/[ \n]+/).filter((word) => word !== "");
  const sections: Record<string, string> = {};
  const variables = new Map<string, ParsedVariable>();
  const byCode = new Map<string, ParsedVariable>();
  const scopes: string[] = [];
  const times: bigint[] = [];
  let at = 0;
  const take = (): string => words[at++] ?? fail("the file to go on");
  const change = (code: string, value: string, types: readonly string[]): void => {
    const variable = byCode.get(code) ?? fail(`a variable ${code}`);
    if (!types.includes(variable.type)) fail(`${types.join(" or ")} for ${value}`);
    variable.changes.push([times.at(-1) ?? fail("a time"), value]);
  };
  while (at < words.length) {
    const word = take();
    if (word === "$dumpvars" || word === "$end") continue;
    if (word.startsWith("$")) {
      const body: string[] = [];
      for (let next = take(); next !== "$end"; next = take()) body.push(next);
      if (word === "$scope") scopes.push(body[1] ?? "");
      else if (word === "$upscope") scopes.pop();
      else if (word === "$var") {
        const [type = "", width = "", code = "", name = "", ...more] = body;
        const path = [...scopes, name].join(".");
        if (more.length > 0 || !/^\w+$/.test(name) || byCode.has(code) || variables.has(path))
          fail(`a new ${path}`);
        const variable: ParsedVariable = { type, width: Number(width), changes: [] };
        variables.set(path, variable);
        byCode.set(code, variable);
      } else sections[word.slice(1)] = body.join(" ");
    } else if (word.startsWith("#")) {
      const time = BigInt(word.slice(1));
      const last = times.at(-1);
      if (last !== undefined && time <= last) fail(`a time after ${last}`);
      times.push(time);
    } else if (/^[01xz]/.test(word)) change(word.slice(1), word.slice(0, 1), ["wire"]);
    else if (/^b[01x]+$/.test(word)) change(take(), word.slice(1), ["wire", "integer"]);
    else if (/^r-?\d+$/.test(word)) change(take(), word.slice(1), ["real"]);
    else if (word.startsWith("s")) change(take(), word.slice(1), ["string"]);
    else fail(`a change, got ${word}`);
  }
  if (scopes.length > 0) fail("every scope closed");
  return { sections, variables, times };
}

function fail(expected: string): never {
  throw new Error(`parseVcd: expected ${expected}`);
}
