/**
 * The suite about the double-write buffer on its own: a toy writer that overwrites pages in place under its protection. A page is one
 * version of itself, whole, and what was acknowledged or shown stays.
 */
import { SeededRandom, readU32, writeU32 } from "../../base/index.js";
import { DoubleWriteBuffer, type ProtectedImage } from "../../log/index.js";
import type { RecoverContext } from "../../testing/index.js";
import type { SimVfs, VfsFile } from "../../vfs/index.js";
import { type CrashSuite, crashCase } from "./crash-case.js";
import { type Effort, effortOf } from "./effort.js";
import { pick } from "./log-calls.js";
import { makePayload } from "./payload-book.js";

/** Batch `n` gives every page in `pages` the version `n`. */
type PageEvent =
  | { readonly kind: "issued" | "acked"; readonly n: number; readonly pages: readonly number[] }
  | { readonly kind: "opened"; readonly versions: readonly number[] };

interface PagesPlan {
  readonly title: string;
  readonly seed: number;
  readonly pageBytes: number;
  readonly pages: number;
  readonly batches: number;
  readonly effort: Effort;
}

const FILE = "/pages/file";
const BUFFER = "/data/double-write";
const TARGET = new Uint8Array(8).fill(0x50);

/** The toy writer. */
class PageFile {
  readonly #plan: PagesPlan;
  readonly #file: VfsFile;
  readonly #buffer: DoubleWriteBuffer;

  private constructor(plan: PagesPlan, file: VfsFile, buffer: DoubleWriteBuffer) {
    this.#plan = plan;
    this.#file = file;
    this.#buffer = buffer;
  }

  static async open(vfs: SimVfs, plan: PagesPlan): Promise<PageFile> {
    // Neither the buffer nor this toy makes its directory.
    await vfs.makeDirectory("/data");
    await vfs.makeDirectory("/pages");
    await vfs.syncDirectory("/");
    const buffer = await DoubleWriteBuffer.open(vfs, BUFFER);
    const file = await vfs.open(FILE, { access: "read-write", create: "if-missing" });
    const images = await buffer.recover();
    for (const { image, offset } of images) await file.write(image, offset);
    if (images.length > 0) {
      await file.syncData();
      // After a kill the batch may be in the page cache only: were it lost later, an older one would be put back over what is shown now.
      await buffer.clear();
    }
    await vfs.syncDirectory("/pages");
    return new PageFile(plan, file, buffer);
  }

  /** Writes version `n` of some pages. Durable when it resolves. */
  async write(pages: readonly number[], n: number): Promise<void> {
    const images: ProtectedImage[] = pages.map((page) => ({
      target: TARGET,
      offset: page * this.#plan.pageBytes,
      image: pageOf(page, n, this.#plan.pageBytes),
    }));
    await this.#buffer.protect(images);
    for (const { image, offset } of images) await this.#file.write(image, offset);
    await this.#file.syncData();
  }

  async clear(): Promise<void> {
    await this.#buffer.clear();
  }

  /** The version of each page. Throws for a page that is none. */
  async versions(): Promise<number[]> {
    const { pages, pageBytes } = this.#plan;
    const versions: number[] = [];
    for (let page = 0; page < pages; page++) {
      const bytes = new Uint8Array(pageBytes);
      await this.#file.read(bytes, page * pageBytes);
      const n = readU32(bytes, 0);
      if (Buffer.compare(bytes, n === 0 ? new Uint8Array(pageBytes) : pageOf(page, n, pageBytes)) !== 0)
        throw new Error(`page ${page} is torn: it begins with version ${n}`);
      versions.push(n);
    }
    return versions;
  }

  async close(): Promise<void> {
    await this.#buffer.close();
    await this.#file.close();
  }
}

/** Under checksums of its own, as pages tend to be, but for its version. */
function pageOf(page: number, n: number, bytes: number): Uint8Array {
  const content = makePayload(n * 16 + page, bytes, "sealed");
  writeU32(content, 0, n);
  return content;
}

function pagesCase(plan: PagesPlan): ReturnType<typeof crashCase> {
  const { followUps, ...limits } = plan.effort;
  return crashCase<{ readonly file: PageFile; readonly versions: readonly number[] }, PageEvent>(plan.title, {
    name: plan.title,
    seed: plan.seed,
    steps: plan.batches,
    // What the buffer is for: a torn write may harm all of a sector, not only the part that was being written.
    disk: { garbage: "sector" },
    ...limits,
    async workload({ vfs, random, steps, note }) {
      let file = await PageFile.open(vfs, plan);
      for (let n = 1; n <= steps; n++) {
        const pages = Array.from({ length: plan.pages }, (_, page) => page).filter(() => random.chance(0.6));
        note({ kind: "issued", n, pages });
        await file.write(pages, n);
        note({ kind: "acked", n, pages });
        if (random.chance(0.3)) await file.clear();
        if (random.chance(0.2)) {
          await file.close();
          file = await PageFile.open(vfs, plan);
        }
      }
      await file.close();
    },
    async recover({ vfs, note }) {
      const file = await PageFile.open(vfs, plan);
      const versions = await file.versions();
      note({ kind: "opened", versions });
      return { file, versions };
    },
    check({ versions }, events) {
      const { settled, pending } = expectedVersions(
        plan.pages,
        events.slice(
          0,
          events.findLastIndex(({ kind }) => kind === "opened"),
        ),
      );
      const sound = versions.every((n, page) => n === settled[page] || n === pending[page]);
      if (!sound)
        throw new Error(
          `the pages have versions ${versions.join(" ")}; expected ${settled.join(" ")} or ${pending.join(" ")}`,
        );
    },
    describe: ({ versions }) => versions.join(" "),
    close: ({ file }) => file.close(),
    ...(followUps !== undefined
      ? {
          idempotent: true as const,
          async resume({ file }: { readonly file: PageFile }, { note }: RecoverContext<PageEvent>) {
            note({ kind: "issued", n: 500, pages: [0] });
            await file.write([0], 500);
            note({ kind: "acked", n: 500, pages: [0] });
          },
        }
      : {}),
  });
}

function expectedVersions(count: number, events: readonly PageEvent[]): { settled: number[]; pending: number[] } {
  let settled = Array.from({ length: count }, () => 0);
  let pending = settled;
  for (const event of events) {
    if (event.kind === "opened") settled = pending = [...event.versions];
    else {
      pending = settled.map((version, page) => (event.pages.includes(page) ? event.n : version));
      if (event.kind === "acked") settled = pending;
    }
  }
  return { settled, pending };
}

/** See the head of this file. */
export const doubleWriteSuite: CrashSuite = {
  name: "double-write",
  summary: "pages overwritten in place under a DoubleWriteBuffer, in batches of several",
  weight: 4,
  makeCase(index, seed) {
    const random = new SeededRandom(seed).fork(`double-write ${index}`);
    const pageBytes = pick(random, [512, 1024, 2048]);
    const pages = 1 + random.below(3);
    const batches = 2 + random.below(3);
    const title = `double-write/${index}: ${pages} pages of ${pageBytes}, ${batches} batches`;
    return pagesCase({ title, seed, pageBytes, pages, batches, effort: effortOf("double-write", index) });
  },
};
