/** The built package under measurement. The one place that says where it lies. */
export { Log } from "../dist/log/index.js";
