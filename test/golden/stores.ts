/** Small stores and files of each kind, as golden directories hold them: how each is made, looked at, and written on. */
import { goldenFiles } from "./files.js";
import type { GoldenStore } from "./golden-store.js";
import { journalStores } from "./journal-stores.js";
import { stateStores } from "./state-stores.js";

export const goldenStores: readonly GoldenStore[] = [...journalStores, ...stateStores, ...goldenFiles];
