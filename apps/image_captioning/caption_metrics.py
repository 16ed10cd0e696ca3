"""How close captions come to what people said: BLEU, ROUGE-L, CIDEr-D, METEOR; and the commonest caption.

The scorers are pycocoevalcap's. Captions and references are cut into words by captions.py, not by the Java
tokenizer that the COCO server uses, so figures may differ from published ones in the third digit.
"""

from __future__ import annotations

import functools
import logging
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from .captions import words

log = logging.getLogger(__name__)

_Corpus = dict[int, list[str]]


def caption_scores(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], meteor: bool = False
) -> dict[str, float]:
    """Return `bleu_1` to `bleu_4`, `rouge_l`, `cider` (CIDEr-D), and `meteor` if asked for and Java runs.

    CIDEr weighs n-grams by how few of these images they are said of: it is 0 for a single image, and can't
    be compared between sets.

    Args:
        hypotheses: a caption for each image; it may be empty.
        references: for each image what people said, one caption at least.
        meteor: ask for METEOR too, which takes Java many seconds.
    """
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.rouge.rouge import Rouge

    said, true = _corpus([[caption] for caption in hypotheses]), _corpus(references)
    bleu, _ = Bleu(4).compute_score(true, said, verbose=0)
    scores = {f"bleu_{n}": float(value) for n, value in enumerate(bleu, start=1)}
    scores["rouge_l"] = float(Rouge().compute_score(true, said)[0])
    scores["cider"] = float(np.mean(_cider(true, said)))
    if meteor and java_runs():
        scores["meteor"] = _meteor(true, said)
    return scores


def cider_of_each(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return CIDEr-D of each image, (N,): their mean is the score of the whole."""
    return _cider(_corpus(references), _corpus([[caption] for caption in hypotheses]))


def commonest_caption(references: Iterable[Sequence[str]]) -> str:
    """Return the caption that is said of most images, as its words; ties go by alphabet."""
    counts = Counter(caption for each in references for caption in {" ".join(words(one)) for one in each})
    return min(counts, key=lambda caption: (-counts[caption], caption))


@functools.cache
def java_runs() -> bool:
    """Tell whether there is a Java runtime, which METEOR needs; say so once where there is none."""
    java = shutil.which("java")
    runs = java is not None and subprocess.run([java, "-version"], capture_output=True).returncode == 0
    if not runs:
        log.info("METEOR is left out: it needs a Java runtime, and there is none")
    return runs


def _corpus(captions: Sequence[Sequence[str]]) -> _Corpus:
    return {index: [" ".join(words(caption)) for caption in each] for index, each in enumerate(captions)}


def _cider(true: _Corpus, said: _Corpus) -> np.ndarray:
    from pycocoevalcap.cider.cider import Cider

    return np.asarray(Cider().compute_score(true, said)[1])


def _meteor(true: _Corpus, said: _Corpus) -> float:
    from pycocoevalcap.meteor.meteor import Meteor

    scorer = Meteor()
    score, _ = scorer.compute_score(true, said)
    for pipe in (scorer.meteor_p.stdout, scorer.meteor_p.stderr):  # it closes the third itself
        pipe.close()
    return float(score)
