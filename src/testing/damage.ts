/**
 * Damage to a disk's contents, as bit rot, misdirected writes and careless people do it. Acts on the page cache and the durable part
 * alike, at once, outside of any process.
 */
import { InvalidArgumentError } from "../base/index.js";
import type { SimVfs } from "../vfs/index.js";
import { SECTOR_BYTES } from "../vfs/index.js";

/** A sector of a file. */
export interface SectorPlace {
  readonly path: string;
  readonly sector: number;
}

/** Flips the bits of `mask` in one byte. */
export function flipByte(vfs: SimVfs, path: string, offset: number, mask: number): void {
  const file = fileAt(vfs, path);
  const byte = new Uint8Array(1);
  file.read(byte, offset);
  byte[0] = (byte[0] as number) ^ mask;
  overwrite(vfs, path, byte, offset);
}

/** Fills one sector, as far as the file reaches, with zeros. */
export function zeroSector(vfs: SimVfs, path: string, sector: number): void {
  overwrite(vfs, path, new Uint8Array(readSector(vfs, { path, sector }).byteLength), sector * SECTOR_BYTES);
}

/** Exchanges the contents of two sectors, as far as both files reach. */
export function swapSectors(vfs: SimVfs, one: SectorPlace, other: SectorPlace): void {
  const left = readSector(vfs, one);
  const right = readSector(vfs, other);
  const bytes = Math.min(left.byteLength, right.byteLength);
  overwrite(vfs, one.path, right.subarray(0, bytes), one.sector * SECTOR_BYTES);
  overwrite(vfs, other.path, left.subarray(0, bytes), other.sector * SECTOR_BYTES);
}

/** Removes a file. */
export function dropFile(vfs: SimVfs, path: string): void {
  fileAt(vfs, path);
  const { directory, name } = vfs.disk.place(path);
  vfs.disk.remove(vfs.disk.nextOperation(), directory, name);
  directory.sync(() => true);
}

/** Cuts a file to its first `bytes` bytes. */
export function truncateFile(vfs: SimVfs, path: string, bytes: number): void {
  const file = fileAt(vfs, path);
  file.truncate(vfs.disk.nextOperation(), bytes);
  file.sync(() => true);
}

/** Replaces the contents of `to`, which must exist, by those of `from`. */
export function duplicateFile(vfs: SimVfs, from: string, to: string): void {
  const source = fileAt(vfs, from);
  const contents = new Uint8Array(source.bytes);
  source.read(contents, 0);
  truncateFile(vfs, to, 0);
  overwrite(vfs, to, contents, 0);
}

function readSector(vfs: SimVfs, place: SectorPlace): Uint8Array {
  const file = fileAt(vfs, place.path);
  const bytes = new Uint8Array(Math.max(0, Math.min(SECTOR_BYTES, file.bytes - place.sector * SECTOR_BYTES)));
  file.read(bytes, place.sector * SECTOR_BYTES);
  return bytes;
}

function overwrite(vfs: SimVfs, path: string, bytes: Uint8Array, offset: number): void {
  if (bytes.byteLength === 0) return;
  const file = fileAt(vfs, path);
  file.write(vfs.disk.nextOperation(), bytes, offset);
  file.sync(() => true);
}

function fileAt(vfs: SimVfs, path: string): Extract<ReturnType<SimVfs["disk"]["find"]>, { kind: "file" }> {
  const node = vfs.disk.find(path);
  if (node?.kind !== "file")
    throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${path} is not a file of this disk.`, { path });
  return node;
}
