"""The backend's memory: the pages in docs/, cut at their headings, and a search over their words."""

import math
import pathlib
import re
from collections import Counter
from dataclasses import dataclass

DOCS = pathlib.Path(__file__).resolve().parent / "docs"
# Okapi BM25: how fast a repeated word stops counting, and how much a long passage is held back.
_SATURATION, _LENGTH_WEIGHT = 1.2, 0.75
_COMMON = frozenset("a an and are as at be by do does for from how i in is it my of on or the to what when with".split())


@dataclass(frozen=True)
class Passage:
    source: str
    title: str
    text: str


def words(text):
    return [word for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in _COMMON]


def read_passages(folder=DOCS):
    passages = []
    for path in sorted(folder.glob("*.md")):
        for section in re.split(r"^#+ ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, _, body = section.partition("\n")
            if body.strip():
                passages.append(Passage(path.name, title.strip(), " ".join(body.split())))
    return passages


class Corpus:
    def __init__(self, passages):
        self.passages = passages
        self._counts = [Counter(words(f"{passage.title} {passage.text}")) for passage in passages]
        self._lengths = [sum(counts.values()) for counts in self._counts]
        self._mean = sum(self._lengths) / max(len(passages), 1)
        self._holding = Counter(word for counts in self._counts for word in counts)

    def by_keywords(self, query, limit):
        """[(score, passage)], best first; passages that share no word with the query are left out."""
        return self._best((self._bm25(words(query), i) for i in range(len(self.passages))), limit)

    def by_likeness(self, query, limit):
        """The same by shared letter triples, which forgives spelling."""
        wanted = _triples(query)
        scores = (_cosine(wanted, _triples(f"{p.title} {p.text}")) for p in self.passages)
        return self._best(scores, limit)

    def hybrid(self, query, limit):
        """Both rankings, joined by reciprocal rank."""
        scores = Counter()
        for ranking in (self.by_keywords(query, 20), self.by_likeness(query, 20)):
            for rank, (_, passage) in enumerate(ranking):
                scores[passage] += 1 / (60 + rank)
        return [(score, passage) for passage, score in sorted(scores.items(), key=_best_first)[:limit]]

    def _bm25(self, query, index):
        counts, length, total = self._counts[index], self._lengths[index], len(self.passages)
        score = 0.0
        for word in query:
            rarity = math.log(1 + (total - self._holding[word] + 0.5) / (self._holding[word] + 0.5))
            held_back = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * length / self._mean)
            score += rarity * counts[word] * (_SATURATION + 1) / (counts[word] + held_back)
        return score

    def _best(self, scores, limit):
        ranked = sorted(zip(self.passages, scores), key=_best_first)
        return [(score, passage) for passage, score in ranked[:limit] if score > 0]


def _best_first(item):
    passage, score = item
    return -score, passage.source, passage.title


def _triples(text):
    plain = " ".join(words(text))
    return Counter(plain[i:i + 3] for i in range(len(plain) - 2))


def _cosine(a, b):
    shared = sum(count * b[triple] for triple, count in a.items())
    size = math.sqrt(sum(n * n for n in a.values())) * math.sqrt(sum(n * n for n in b.values()))
    return shared / size if size else 0.0
