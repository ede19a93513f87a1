/** The process that is killed: opens the store, commits, says so, and waits. Or, asked for no commits, stores rows and closes it. */
import { FlatKv } from "../holdfast.mjs";
import { freshPuts } from "./pairs.mjs";

const [directory = "", commitsText, putsText] = process.argv.slice(2);
const commits = Number(commitsText);
// Nothing is synced but by closing.
const store = await FlatKv.open(directory, {
  syncEveryCommits: 2000,
  syncEveryBytes: 2 ** 40,
  snapshots: { everyCommits: 0 },
});
for (let commit = 0; commit < commits; commit++) {
  await store.applyChangeSets([{ changes: freshPuts(Number(putsText)) }]);
  await store.commit();
}
process.send?.({ version: store.version, syncedVersion: store.stats().syncedVersion });
setInterval(() => undefined, 1000);
