/** The built package under measurement. The one place that says where it lies. */
export { EventLog, bytes, defineEvents, event, json, snapshot } from "../dist/events/index.js";
export { LaneSet } from "../dist/lanes/index.js";
export { Log } from "../dist/log/index.js";
export { SharedLog } from "../dist/streams/index.js";
