// The beam search of pipelines/ondevice/beam_search.py, without coverage and allowed words. A test compares the two.

const start = { tokens: [], logProbability: 0, outputs: [], finished: false };

/** Return a sequence with one more token; the end token finishes it. */
function extended(before, token, end, { logProbability, outputs }) {
  const total = before.logProbability + logProbability;
  if (token === end) return { ...before, logProbability: total, finished: true };
  return {
    tokens: [...before.tokens, token], logProbability: total, outputs: [...before.outputs, outputs], finished: false,
  };
}

/** Return the score by which sequences are compared; the end token counts as one token. */
export function score({ tokens, logProbability, finished }, lengthPenalty) {
  return logProbability / Math.max(1, tokens.length + Number(finished)) ** lengthPenalty;
}

/**
 * Search for the sequences with the best scores; return the best `count` of them, best first.
 *
 * @param {object} network initial() -> state; step(token, state) -> {scores, outputs, state}, where scores are
 *   the log-probabilities of the next token
 * @param {object} limits start, end, maxTokens
 * @param {object} search beams, lengthPenalty, noRepeatNgram
 */
export async function nBest(network, limits, { beams, lengthPenalty, noRepeatNgram = 0 }, count = 1) {
  const width = Math.max(beams, count);
  const rank = (each) => score(each.sequence, lengthPenalty);
  let active = [{ sequence: start, token: limits.start, state: await network.initial(), greedy: true }];
  let done = [];
  for (let step = 0; step < limits.maxTokens; step += 1) {
    const found = [];
    for (const beam of active) {
      const forbidden = repeating(beam.sequence.tokens, noRepeatNgram);
      const longer = await extensions(network, beam, { end: limits.end, width, forbidden });
      found.push(...longer);
      if (!longer.length) done.push(beam);
    }
    found.sort((a, b) => b.sequence.logProbability - a.sequence.logProbability);
    const kept = found.filter((each, i) => i < width || each.greedy);
    done.push(...kept.filter(({ sequence }) => sequence.finished));
    done = done.sort((a, b) => rank(b) - rank(a)).slice(0, count);
    active = kept.filter(({ sequence }) => !sequence.finished);
    const least = done.length === count ? rank(done.at(-1)) : -Infinity;
    const best = ({ sequence }) => sequence.logProbability / Math.max(1, limits.maxTokens) ** lengthPenalty;
    if (active.every((each) => best(each) < least)) return done.map(({ sequence }) => sequence);
  }
  const all = [...done, ...active].sort((a, b) => rank(b) - rank(a));
  return all.slice(0, count).map(({ sequence }) => sequence);
}

/** Return the most probable extensions of a sequence by one token. */
async function extensions(network, beam, { end, width, forbidden }) {
  const { scores, outputs, state } = await network.step(beam.token, beam.state);
  return largest(scores, width, forbidden).map((token, rank) => ({
    sequence: extended(beam.sequence, token, end, { logProbability: scores[token], outputs }),
    token, state, greedy: beam.greedy && rank === 0,
  }));
}

/** Return the places of the largest scores, largest first and the first of equal ones, but none of -Infinity. */
function largest(scores, count, forbidden) {
  const found = [];
  for (let i = 0; i < scores.length; i += 1) {
    if (scores[i] === -Infinity || forbidden.has(i)) continue;
    if (found.length === count && scores[i] <= scores[found.at(-1)]) continue;
    let place = found.length;
    while (place > 0 && scores[found[place - 1]] < scores[i]) place -= 1;
    found.splice(place, 0, i);
    if (found.length > count) found.pop();
  }
  return found;
}

/** Return the tokens that would repeat an n-gram of the sequence. */
function repeating(tokens, n) {
  const starts = n ? Array.from(tokens.keys()).slice(n - 1) : [];
  const tail = tokens.length - n + 1;
  const same = (start) => tokens.slice(tail).every((token, i) => tokens[start - n + 1 + i] === token);
  return new Set(starts.filter(same).map((start) => tokens[start]));
}
