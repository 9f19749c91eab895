import { describe, expect, test } from 'vitest';
import { formatTicks, formatValue, numberText } from './units.ts';

describe('units, as a person reads them', () => {
  test.each([
    [0, 'short', '0'],
    [999.9996, 'short', '1 K'],
    [1234, 'short', '1.23 K'],
    [-2_500_000, 'short', '-2.5 Mil'],
    [3.1e9, 'short', '3.1 Bil'],
    [123456, 'none', '123456'],
    [0.01234, 'none', '0.0123'],
    [42.5, 'percent', '42.5%'],
    [0.425, 'percentunit', '42.5%'],
    [1024, 'bytes', '1 KiB'],
    [1536 * 1024, 'bytes', '1.5 MiB'],
    [1000, 'decbytes', '1 kB'],
    [2048, 'mbytes', '2 GiB'],
    [2_000_000, 'Bps', '2 MB/s'],
    [8_000, 'bps', '8 kb/s'],
    [0.0005, 's', '500 µs'],
    [0.25, 's', '250 ms'],
    [90, 's', '1.5 min'],
    [7200, 's', '2 h'],
    [1_500, 'ms', '1.5 s'],
    [12, 'ms', '12 ms'],
    [3661, 'dtdhms', '01:01:01'],
    [90_061, 'dthms', '1d 01:01:01'],
    [12.3, 'reqps', '12.3 req/s'],
    [12_300, 'ops', '12.3 K ops/s'],
    [1, 'bool_yes_no', 'Yes'],
    [0, 'bool', 'False'],
    [255, 'hex0x', '0xFF'],
    [5, 'currencyUSD', '$5'],
    [5, 'VMs', '5 VMs'],
    [5, 'suffix: VMs', '5 VMs'],
    [5, 'prefix:~', '~5'],
    [1500, 'si:W', '1.5 kW'],
    [1500, 'constructor', '1500 constructor'],
  ])('%d as %s is %s', (value, unit, expected) => {
    expect(formatValue(value, unit)).toBe(expected);
  });

  test('what is no number has a name', () => {
    expect(formatValue(Number.NaN, 'bytes')).toBe('NaN');
    expect(formatValue(Number.POSITIVE_INFINITY, 's')).toBe('+Inf');
    expect(formatValue(null, 's')).toBe('–');
  });

  test('decimals, when the panel says how many', () => {
    expect(formatValue(1234.5, 'short', 1)).toBe('1.2 K');
    expect(formatValue(2, 'percent', 2)).toBe('2.00%');
    expect(numberText(1.005, 0)).toBe('1');
  });

  test('ticks of one axis have the decimals they need and no more', () => {
    expect(formatTicks([0, 0.25, 0.5, 0.75, 1], 'none')).toEqual(['0', '0.25', '0.50', '0.75', '1']);
    expect(formatTicks([0, 0.0005, 0.001], 's')).toEqual(['0 s', '500 µs', '1 ms']);
    expect(formatTicks([0, 1024, 2048], 'bytes')).toEqual(['0 B', '1 KiB', '2 KiB']);
    expect(formatTicks([1_000_000, 1_200_000], 'short')).toEqual(['1 Mil', '1.2 Mil']);
    expect(formatTicks([0, 0.2, 0.4], 'percentunit')).toEqual(['0%', '20%', '40%']);
  });
});
