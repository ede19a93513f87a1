/**
 * Packages that serve the demo alone. They are no dependencies of holdfast: they are loaded when the demo runs, from where holdfast is installed or
 * else from where the command runs, and an error names what to install.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { InvalidArgumentError, errnoOf } from "../../base/index.js";

/** Something that the demo needs is not installed. Code `HF_PACKAGE_MISSING`. */
export class MissingPackageError extends InvalidArgumentError {
  /** `install`: the packages that bring it, as npm takes them. */
  constructor(what: string, install: string, cause?: unknown) {
    super(
      "HF_PACKAGE_MISSING",
      `The demo needs ${what}, which is not installed here. Install it with: npm i ${install}`,
      { what, install },
      cause,
    );
  }
}

/** Imports a package, or a module of one. `install` is what a {@link MissingPackageError} tells to install. */
export async function loadPackage<T>(
  name: string,
  install: string,
  workingDirectory: string = process.cwd(),
): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    if (errnoOf(error) !== "ERR_MODULE_NOT_FOUND") throw error;
  }
  try {
    const entry = createRequire(join(workingDirectory, "package.json")).resolve(name);
    return (await import(pathToFileURL(entry).href)) as T;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND")
      throw new MissingPackageError(`the package ${name}`, install, error);
    throw error;
  }
}
