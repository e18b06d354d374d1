/** A figure for a sentence: two digits, no more than a reader takes in, unless more are asked for. */
export function figure(x: number, digits = 2): string {
  const short = Number(x.toPrecision(digits));
  const text = short !== 0 && (Math.abs(short) >= 1e5 || Math.abs(short) < 1e-3) ? short.toExponential() : String(short);
  return text.replaceAll("-", "−");
}
