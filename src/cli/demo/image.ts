/** What a killed process left behind: a copy of its directory, which can be looked at, and recovered, without touching the original. */
import { cp, rm } from "node:fs/promises";

/** Copies a directory, hands the copy to `look`, and removes it. */
export async function withImage<R>(directory: string, image: string, look: (image: string) => Promise<R>): Promise<R> {
  await rm(image, { recursive: true, force: true });
  await cp(directory, image, { recursive: true });
  try {
    return await look(image);
  } finally {
    await rm(image, { recursive: true, force: true });
  }
}
