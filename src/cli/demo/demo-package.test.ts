import { expect, it } from "vitest";
import { loadPackage } from "./demo-package.js";

it("a package that is not installed is named, with what to install", async () => {
  await expect(loadPackage("holdfast-no-such-package", "such@1.0.0")).rejects.toMatchObject({
    code: "HF_PACKAGE_MISSING",
    details: { what: "the package holdfast-no-such-package", install: "such@1.0.0" },
  });
});
