/** Numbers that stages made, as people read them. */

/** A number with four significant digits or so, in as few characters as say it. */
export const formatNumber = (value: number): string => {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toString();
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(3).replace(/\.?0*e\+?/, "e");
  return Number(value.toPrecision(5)).toString();
};
