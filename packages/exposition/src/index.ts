export { checkOpenMetrics } from './check-openmetrics.ts';
export * from './encode-text.ts';
export * from './entry.ts';
export * from './escaping.ts';
export { formatOpenMetricsFloat } from './float.ts';
export * from './negotiation.ts';
export { customBucketsParser } from './nhcb-parser.ts';
export { protobufParser } from './protobuf-parser.ts';
export * from './remote-read.ts';
export {
  type DecodedWrite,
  decodeRemoteWrite,
  encodeRemoteWrite,
  encodeRemoteWriteMetadata,
  MAX_WRITE_BYTES,
  type RemoteWriteMessage,
  remoteWriteMessage,
} from './remote-write.ts';
export { familyOf, openMetricsParser, textParser } from './text-parser.ts';
