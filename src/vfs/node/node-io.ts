/** Turns the callbacks and throws of `node:fs` into promises and results that fail with `IoError` alone. */
import { IoError } from "../../base/index.js";

/** What `node:fs` calls back. */
export type NodeCallback<Result> = (error: NodeJS.ErrnoException | null, result: Result) => void;

/** Runs one call of the callback API. */
export function callFs<Result>(
  operation: string,
  path: string,
  start: (callback: NodeCallback<Result>) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error === null) resolve(result);
      else reject(new IoError(operation, path, error));
    });
  });
}

/** Runs one call of the synchronous API. */
export function callFsNow<Result>(operation: string, path: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw new IoError(operation, path, error);
  }
}

/** A failure that Node did not report as such, with the errno it stands for. */
export function ioErrorOf(operation: string, path: string, errno: string, text: string): IoError {
  return new IoError(operation, path, Object.assign(new Error(`${errno}: ${text}`), { code: errno }));
}

/**
 * A write that took fewer bytes than asked. Node stops there when the rest failed and drops the errno of that, so the cause is unknown;
 * what is known is that the bytes are not written (R8).
 */
export function shortWrite(path: string, asked: number, written: number): IoError {
  const cause = Object.assign(new Error(`Only ${written} of ${asked} bytes were written.`), { code: "SHORT_WRITE" });
  return new IoError("write", path, cause, { asked, written });
}
