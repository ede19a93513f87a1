/** Bugs that failing operations found, each as the shortest story that shows it. */
import { expect, test } from "vitest";
import { failBooksOfGrowth } from "./failed-books.contract.js";

test("a table stays that the books may name, since their write failed; and no commit goes on in the old one", async () => {
  // Found by the fault sweep, as fault:95:EIO+short: the file was removed as one that did not come to be, and the books named it. By reading: a commit
  // that waited for the growth could begin before the store was ended.
  for (let seed = 1; seed <= 10; seed++) {
    const { acked, found, code } = await failBooksOfGrowth(seed);
    expect(code).toBe("HF_POISONED");
    expect(acked).toBeLessThan(40);
    expect(found === acked || found === acked + 1).toBe(true);
  }
});
