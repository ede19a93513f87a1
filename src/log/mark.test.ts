import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { MarkWriter, readMark } from "./mark.js";
import { contentsOf, flipByte, putFile } from "./small-log.contract.js";

const ID = new Uint8Array(16).fill(5);
const MARK = { epoch: 3, durableLsn: 70, visibleLsn: 71 };

async function written(vfs: SimVfs): Promise<SimVfs> {
  const writer = await MarkWriter.open(vfs, "/mark", ID);
  await writer.write(MARK);
  await writer.close();
  return vfs;
}

describe("a mark", () => {
  it("is read back as it was last written", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ epoch: fc.maxSafeNat(), durableLsn: fc.maxSafeNat(), visibleLsn: fc.maxSafeNat() }), {
          minLength: 1,
          maxLength: 4,
        }),
        async (marks) => {
          const vfs = new SimVfs({ seed: 1 });
          const writer = await MarkWriter.open(vfs, "/mark", ID);
          for (const mark of marks) await writer.write(mark);
          expect(await readMark(vfs, "/mark", ID)).toEqual(marks.at(-1));
          await writer.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  it("is none where it is missing, empty, short, damaged in any byte, of another log, or a directory", async () => {
    const vfs = await written(new SimVfs({ seed: 1 }));
    expect(await readMark(vfs, "/mark", ID)).toEqual(MARK);
    expect(await readMark(vfs, "/other", ID)).toBeUndefined();
    expect(
      await readMark(
        vfs,
        "/mark",
        ID.map(() => 6),
      ),
    ).toBeUndefined();
    const { length } = contentsOf(vfs, "/mark");
    for (let offset = 0; offset < length; offset++) {
      await flipByte(vfs, "/mark", offset);
      expect(await readMark(vfs, "/mark", ID), `byte ${offset}`).toBeUndefined();
      await flipByte(vfs, "/mark", offset);
    }
    for (let short = 0; short < length; short++) {
      await putFile(vfs, "/short", contentsOf(vfs, "/mark").subarray(0, short));
      expect(await readMark(vfs, "/short", ID)).toBeUndefined();
    }
    await vfs.makeDirectory("/directory");
    expect(await readMark(vfs, "/directory", ID)).toBeUndefined();
    expect(vfs.openHandles()).toEqual([]);
  });

  it("is not durable, and its absence after a power cut is no error", async () => {
    const vfs = await written(new SimVfs({ seed: 1 }));
    expect(await readMark(vfs.powerCut(), "/mark", ID)).toBeUndefined();
  });
});
