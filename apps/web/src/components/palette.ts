import { useComputedColorScheme } from '@mantine/core';
import { type Palette, paletteOf } from '../theme.ts';

/** The palette of the scheme that is on. */
export function usePalette(): Palette {
  return paletteOf(useComputedColorScheme('dark'));
}
