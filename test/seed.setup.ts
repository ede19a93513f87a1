import fc from "fast-check";

/** Properties draw from the run's seed, so that the line that a run prints first repeats all of it. */
fc.configureGlobal({ seed: Number(process.env["HOLDFAST_SEED"]) });
