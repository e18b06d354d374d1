export { movementsOf, type OpenExact } from "./crosscheck/conditioning.ts";
export { type CrosscheckRequest, type CrosscheckSide, crosscheck } from "./crosscheck/crosscheck.ts";
export { finiteDifferencePotential } from "./crosscheck/fd.ts";
export {
  type Comparison,
  type CrosscheckResult,
  crosscheckResultSchema,
  type LawName,
  type LawResult,
  lawNames,
} from "./crosscheck/result.ts";
export { driftOf, driftSoFar } from "./dynamics/drift.ts";
export { EnergyTrace } from "./dynamics/energy-trace.ts";
export { type MeasureRequest, type Measures, measureAll } from "./dynamics/measures.ts";
export { type OpenOptions, openSession } from "./dynamics/open.ts";
export { type SimulationOptions, type SimulationRequest, simulationOptionsSchema } from "./dynamics/options.ts";
export { type Drift, type MdResult, mdResultSchema } from "./dynamics/result.ts";
export type { DynamicsSession, DynamicsState, EnergyRecords, Stop, Stretch } from "./dynamics/session.ts";
export { simulate } from "./dynamics/simulate.ts";
export { createNativeEngine } from "./engine/engine.ts";
export { type ErrorCode, errorCodes, PainnlessError } from "./errors.ts";
export { type ModelConfig, modelConfigSchema } from "./model/config.ts";
export { type ModelFile, readModelFile } from "./model/model-file.ts";
export { type PythonEnvironment, resolvePython } from "./python/environment.ts";
export { startWorker, type WorkerOptions } from "./python/worker.ts";
export { renderCrosscheckReport } from "./report/crosscheck.ts";
export { extxyzFrame } from "./system/extxyz.ts";
export type { Frame } from "./system/frame.ts";
export { type Evaluation, type Intake, type Potential, type Property, properties } from "./system/potential.ts";
export { type Domain, type Structure, structureSchema } from "./system/structure.ts";
export { energyUnitsInEv } from "./system/units.ts";
export { RemotePotential } from "./wire/client.ts";
