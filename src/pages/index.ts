export {
  ENCODED_ID_BYTES,
  PAGE_CHILDREN,
  PAGE_DEPTH_MAX,
  ROOT_PAGE_ID,
  childPageId,
  decodePageId,
  describePageId,
  encodePageId,
  pageIdOfKey,
} from "./page-id.js";
export { inspectPages } from "./inspect.js";
export { NODES, NODE_BYTES, NODE_WORDS, PAGE_BYTES, Page } from "./page.js";
export { PageDiff } from "./page-diff.js";
export { PageStore } from "./page-store.js";
export type { InspectPagesOptions, PagesInspection } from "./inspect.js";
export type { PageCompanion } from "./page.js";
export type { PageId } from "./page-id.js";
export type { PageState } from "./books.js";
export type { PageStoreOwner, RedoneCommit } from "./owner.js";
export type { LazyCheckpoint, PageCacheOptions, PageStoreOptions } from "./options.js";
export type { PageStoreStats } from "./page-store.js";
export type { PagesRecovery } from "./recovery-report.js";
export type { PagesCommitMessage, PagesOpenMessage, PagesPoisonMessage, PagesStructureMessage } from "./channels.js";
export type { PageChanges, PageUpdate, StagedSync } from "./staged-sync.js";
export type { PagesProblem, VerifyPagesOptions, VerifyPagesProgress, VerifyPagesReport } from "./verify.js";
