/** Whole files in the wrong place. */
import { expect, it } from "vitest";
import { CorruptionError, FormatError } from "holdfast";
import { Log } from "holdfast/log";
import { SimVfs } from "holdfast/vfs";

const options = { blockBytes: 512, segmentBytes: 2048 } as const;

async function makeLog(vfs: SimVfs, path: string, records: number): Promise<void> {
  const log = await Log.open(path, { vfs, ...options });
  for (let n = 0; n < records; n++) await log.append(new Uint8Array(900).fill(n));
  await log.close();
}

async function copyFile(vfs: SimVfs, from: string, to: string): Promise<void> {
  const source = await vfs.open(from, { access: "read" });
  const bytes = new Uint8Array(await source.size());
  await source.read(bytes, 0);
  const target = await vfs.open(to, { access: "read-write", create: "if-missing" });
  await target.write(bytes, 0);
  await Promise.all([source.close(), target.close()]);
}

async function segmentsOf(vfs: SimVfs, path: string): Promise<string[]> {
  return (await vfs.list(path)).filter((name) => name.endsWith(".seg")).sort();
}

async function readAll(vfs: SimVfs, path: string): Promise<number> {
  const log = await Log.open(path, { vfs });
  try {
    let records = 0;
    for await (const record of log.read()) records += record.payload.length === 900 ? 1 : 0;
    return records;
  } finally {
    await log.close();
  }
}

it("another log's segment in place of its own is refused by name", async () => {
  for (const at of [0, 1, 2]) {
    const vfs = new SimVfs({ seed: 1 });
    await makeLog(vfs, "/mine", 3);
    await makeLog(vfs, "/other", 3);
    const names = await segmentsOf(vfs, "/mine");
    expect(names.length).toBe(3);
    await copyFile(vfs, `/other/${names[at]}`, `/mine/${names[at]}`);
    const error: unknown = await readAll(vfs, "/mine").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({ code: "HF_FORMAT_FOREIGN", details: { path: `/mine/${names[at]}` } });
  }
});

it("another log's segment beside its own is refused, and nothing is removed", async () => {
  const vfs = new SimVfs({ seed: 1 });
  await makeLog(vfs, "/mine", 2);
  await makeLog(vfs, "/other", 8);
  const extra = (await segmentsOf(vfs, "/other")).at(-1) ?? "";
  await copyFile(vfs, `/other/${extra}`, `/mine/${extra}`);
  const before = (await vfs.list("/mine")).sort();
  await expect(readAll(vfs, "/mine")).rejects.toMatchObject({ code: "HF_FORMAT_FOREIGN" });
  expect((await vfs.list("/mine")).sort()).toEqual(before);
});

it("an older segment of the same log in place of a newer one is damage, and so is a missing one", async () => {
  for (const at of [0, 1, 2]) {
    for (const how of ["other", "missing", "empty"] as const) {
      const vfs = new SimVfs({ seed: 1 });
      await makeLog(vfs, "/mine", 3);
      const names = await segmentsOf(vfs, "/mine");
      const path = `/mine/${names[at]}`;
      if (how === "other") await copyFile(vfs, `/mine/${names[(at + 1) % 3]}`, path);
      else {
        await vfs.remove(path);
        if (how === "empty") await (await vfs.open(path, { access: "read-write", create: "exclusive" })).close();
      }
      const error: unknown = await readAll(vfs, "/mine").catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CorruptionError);
      expect(error).toMatchObject({ details: { path } });
    }
  }
});
