import fc from "fast-check";
import { expect, it } from "vitest";
import { guest, KERNEL_6_12 } from "../../test/guest.js";
import type { XenLayout } from "../index.js";

const PORTS = [0, 1, 31, 32, 63, 64, 65, 1000, 1023];
const WORD = { "64-bit": 64, "32-bit": 32 } as const;
const OFFSETS = {
  "64-bit": { mask: 0xa00, selector: 8 },
  "32-bit": { mask: 0x880, selector: 4 },
} as const;

/** Two-level event channels as sets of ports: what the bits mean, not how they lie. */
class Reference {
  readonly pending = new Set<number>();
  readonly masked = new Set<number>();
  readonly selected = new Set<number>();
  readonly shadow = new Set<number>();
  upcall = false;
  registered = true;
  readonly log: string[] = [];

  constructor(readonly word: number) {}

  deliver(port: number): void {
    if (this.pending.has(port)) return;
    this.pending.add(port);
    if (this.masked.has(port)) return;
    const level = this.registered ? this.selected : this.shadow;
    const word = Math.floor(port / this.word);
    if (level.has(word)) return;
    level.add(word);
    if (this.registered) this.upcall = true;
    this.log.push(this.registered ? "vector 243" : "kick");
  }
  flush(): void {
    if (!this.registered || this.shadow.size === 0) return;
    for (const word of this.shadow) this.selected.add(word);
    this.shadow.clear();
    this.upcall = true;
    this.log.push("vector 243");
  }
  take(): void {
    this.upcall = false;
    this.selected.clear();
    this.pending.clear();
  }
}

const operation = fc.tuple(
  fc.constantFrom(
    "deliver",
    "deliver",
    "deliver",
    "mask",
    "unmask",
    "take",
    "register",
    "unregister",
    "flush",
  ),
  fc.constantFrom(...PORTS),
);

it.each(["64-bit", "32-bit"] as const)(
  "event channels agree with sets of ports (%s)",
  (layout: XenLayout) => {
    const { mask, selector } = OFFSETS[layout];
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const g = guest(KERNEL_6_12);
        g.vm.setLongMode(layout);
        g.page.fill(0, 0x900);
        const { channels } = g.xen;
        channels.setUpcallVector(0xf3);
        g.log.length = 0;
        const reference = new Reference(WORD[layout]);
        const bits = (bytes: Uint8Array, offset: number, count: number): number[] =>
          Array.from({ length: count }, (_, i) => i).filter(
            (i) => (((bytes[offset + (i >> 3)] as number) >> (i & 7)) & 1) === 1,
          );
        for (const [op, port] of operations) {
          const maskByte = mask + (port >> 3);
          switch (op) {
            case "deliver":
              channels.deliverFast(port);
              reference.deliver(port);
              break;
            case "mask":
              g.page[maskByte] = (g.page[maskByte] as number) | (1 << (port & 7));
              reference.masked.add(port);
              break;
            case "unmask":
              g.page[maskByte] = (g.page[maskByte] as number) & ~(1 << (port & 7));
              reference.masked.delete(port);
              break;
            case "take":
              g.vcpuInfo.fill(0);
              g.page.fill(0, 0x800, mask);
              reference.take();
              break;
            case "register":
              channels.vcpuInfo.activate(g.vcpuInfo);
              reference.registered = true;
              break;
            case "unregister":
              channels.vcpuInfo.deactivate();
              reference.registered = false;
              break;
            default:
              channels.flushPending();
              reference.flush();
          }
        }
        const ascending = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);
        expect(bits(g.page, 0x800, 1024)).toEqual(ascending(reference.pending));
        expect(bits(g.vcpuInfo, selector, WORD[layout])).toEqual(ascending(reference.selected));
        expect(g.vcpuInfo[0]).toBe(reference.upcall ? 1 : 0);
        expect(g.log.filter((line) => line !== "unblock")).toEqual(reference.log);
      }),
    );
  },
);
