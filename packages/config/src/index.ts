export * from './fields.ts';
export * from './load-yaml.ts';
export * from './secret.ts';
export { readYamlSource, suggest, type YamlPath, type YamlSource } from './yaml-source.ts';
