/** The frame of the workloads in which operations fail: calls on a store, and a look at what it does after the first that failed. */
import { makeParent } from "../../src/cli/crash/parent-directory.js";
import type { SimVfs } from "../../src/vfs/index.js";

/** Makes calls on a store, and notes what is acknowledged. */
interface Caller<Call> {
  make(call: Call): Promise<unknown>;
  close(): Promise<void>;
}

/** Opens a store under `/data`, makes the calls, and closes it. Where any of it fails after the opening, `probe` has a look, and the failure goes on. */
export async function makeFailingCalls<Call, Made extends Caller<Call>>(
  vfs: SimVfs,
  open: () => Promise<Made>,
  calls: readonly Call[],
  probe: (caller: Made, failure: unknown) => Promise<void>,
): Promise<void> {
  await makeParent(vfs);
  const caller = await open();
  try {
    for (const call of calls) await caller.make(call);
    await caller.close();
  } catch (failure) {
    await probe(caller, failure);
    throw failure;
  }
}
