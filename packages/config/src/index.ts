export * from './fields.ts';
export * from './http-client.ts';
export * from './http-config.ts';
export * from './load-yaml.ts';
export * from './relabel.ts';
export * from './relabel-config.ts';
export * from './secret.ts';
export { readYamlSource, suggest, type YamlPath, type YamlSource } from './yaml-source.ts';
