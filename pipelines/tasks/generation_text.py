"""Score generated text against references: BLEU, ROUGE-L, CIDEr-D and METEOR.

The scorers come from pycocoevalcap. The text is split into words by `ondevice.vocabulary.words` instead of
the Java tokenizer of the COCO server, so figures may differ from published ones in the third digit.
"""

from __future__ import annotations

import functools
import logging
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from ..ondevice.vocabulary import words

log = logging.getLogger(__name__)

_Corpus = dict[int, list[str]]


def text_scores(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], meteor: bool = False
) -> dict[str, float]:
    """Return `bleu_1` to `bleu_4`, `rouge_l`, `cider` (CIDEr-D), and `meteor` if requested and Java runs.

    CIDEr gives more weight to n-grams that few examples have. It is 0 for a single example, and values on
    different data sets can't be compared.

    Args:
        hypotheses: a text for each example; it may be empty.
        references: at least one reference for each example.
        meteor: compute METEOR, which takes many seconds and needs Java.
    """
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.rouge.rouge import Rouge

    generated, true = _corpus([[caption] for caption in hypotheses]), _corpus(references)
    bleu, _ = Bleu(4).compute_score(true, generated, verbose=0)
    scores = {f"bleu_{n}": float(value) for n, value in enumerate(bleu, start=1)}
    scores["rouge_l"] = float(Rouge().compute_score(true, generated)[0])
    scores["cider"] = float(np.mean(_cider(true, generated)))
    if meteor and java_runs():
        scores["meteor"] = _meteor(true, generated)
    return scores


def cider_of_each(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return the CIDEr-D of each example, (N,); their mean is the score of the corpus."""
    return _cider(_corpus(references), _corpus([[caption] for caption in hypotheses]))


def commonest_text(references: Iterable[Sequence[str]]) -> str:
    """Return the words of the most frequent reference; among equally frequent ones, the first by alphabet."""
    counts = Counter(caption for each in references for caption in {" ".join(words(one)) for one in each})
    return min(counts, key=lambda caption: (-counts[caption], caption))


@functools.cache
def java_runs() -> bool:
    """Return whether a Java runtime is installed, which METEOR needs. Log once if it isn't."""
    java = shutil.which("java")
    runs = java is not None and subprocess.run([java, "-version"], capture_output=True).returncode == 0
    if not runs:
        log.info("METEOR is left out: it needs a Java runtime, and none is installed")
    return runs


def _corpus(captions: Sequence[Sequence[str]]) -> _Corpus:
    return {index: [" ".join(words(caption)) for caption in each] for index, each in enumerate(captions)}


def _cider(true: _Corpus, generated: _Corpus) -> np.ndarray:
    from pycocoevalcap.cider.cider import Cider

    return np.asarray(Cider().compute_score(true, generated)[1])


def _meteor(true: _Corpus, generated: _Corpus) -> float:
    from pycocoevalcap.meteor.meteor import Meteor

    scorer = Meteor()
    score, _ = scorer.compute_score(true, generated)
    for pipe in (scorer.meteor_p.stdout, scorer.meteor_p.stderr):  # pycocoevalcap closes the third one
        pipe.close()
    return float(score)
