export { classicLevel } from "./level/classic-level.js";
export { memoryEngine } from "./memory/memory-engine.js";
export type { Engine, EngineBatch, EngineDatabase, EngineRange, EngineReads, EngineRow, EngineView } from "./engine.js";
export type { ClassicLevelOptions } from "./level/classic-level.js";
export type { MemoryEngineOptions } from "./memory/memory-engine.js";
