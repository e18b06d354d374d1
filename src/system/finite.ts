/** JSON has no NaN and no infinity: they become null. */
export const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** The larger; NaN if either is. */
export const worse = (a: number, b: number): number => (a >= b || Number.isNaN(a) ? a : b);
