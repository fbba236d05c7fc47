/**
 * How surprising a count is where `mean` is expected, as -ln of a bound on the probability of one at least so far out
 * (Chernoff bound of the negative binomial distribution with dispersion `r`; larger r is less spread, infinity is
 * Poisson). One closed form for counts of all sizes and both sides; 0 at the mean.
 */
export function surpriseOf(count: number, mean: number, r: number): number {
  if (!(mean > 0) || !(r > 0) || !(count >= 0)) return 0;
  const own = count === 0 ? 0 : count * Math.log(count / mean);
  return Math.max(0, own - (count + r) * Math.log((count + r) / (mean + r)));
}

/** `less than 1 in 10 million`: the probability e^-surprise in words, rounded up to a power of ten, so never said too small. */
export function oddsWords(surprise: number): string {
  const power = Math.floor(surprise / Math.LN10 + 1e-9);
  if (power < 1) return `about ${Math.round(Math.exp(-surprise) * 100)} in 100`;
  if (power > 15) return 'less than 1 in a million billion';
  const words = ['', ' thousand', ' million', ' billion', ' million million', ' million billion'][
    Math.floor(power / 3)
  ];
  return `less than 1 in ${power % 3 === 0 ? 'a' : 10 ** (power % 3)}${words}`;
}
