/** A figure for a sentence: two digits, no more than a reader takes in. */
export function figure(x: number): string {
  const short = Number(x.toPrecision(2));
  const text = short !== 0 && (Math.abs(short) >= 1e5 || Math.abs(short) < 1e-3) ? short.toExponential() : String(short);
  return text.replaceAll("-", "−");
}
