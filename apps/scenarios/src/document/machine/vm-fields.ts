import { z } from "zod";
import { choice, onOff, quantityInput } from "../../params/builders.js";
import { programs } from "../../programs/registry.js";
import { fields, list, oneOf, wholeNumber, withDefaults, words } from "../fields.js";
import { MOST_CPUS } from "./host-fields.js";

/** The most vCPUs a VM of a document has. */
export const MOST_VCPUS = 16;

const cpu = wholeNumber(0, MOST_CPUS - 1)
  .optional()
  .describe("the host CPU its thread begins on; by default the first that no other vCPU has");

const vcpuMaps = programs.map(({ name, help, options }) =>
  fields({
    program: z.literal(name).describe(help),
    options: withDefaults(fields(options)).describe("the program's options"),
    cpu,
  }),
);

/** A vCPU as read: which program its guest runs, and where. */
export interface VcpuFields {
  readonly program: string;
  /** By name, as the program's own schemas read them. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly cpu?: number | undefined;
}

// What the options are is the business of each program: a document only carries them.
const vcpuFields = oneOf(
  "program",
  programs.map(({ name }) => name),
  vcpuMaps as unknown as [z.ZodObject, ...z.ZodObject[]],
) as unknown as z.ZodType<VcpuFields>;

const vmFields = fields({
  name: words("what it is called").optional(),
  tsc: quantityInput({ unit: "kHz", min: "1MHz", max: "10GHz" })
    .optional()
    .describe("TSC frequency of the guest; by default the host's"),
  vendor: choice(["vmx", "svm"], { default: "vmx", help: "how the hardware virtualises: Intel's or AMD's" }),
  scaling: choice(["present", "absent"], {
    default: "present",
    help: "whether the hardware scales the TSC; where it does not, KVM catches it up",
  }),
  apicv: onOff({ default: "off", help: "whether interrupts reach a running guest without an exit" }),
  vcpus: list(vcpuFields, { min: 1, max: MOST_VCPUS, what: "vCPUs" }).describe("what runs in the guest"),
});

/** The VMs: one. */
export const vmList = list(vmFields, { min: 1, max: 1, what: "VM (a document has one)" }).describe(
  "the VM, as a list of one",
);
