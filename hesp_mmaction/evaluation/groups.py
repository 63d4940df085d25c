"""Groups of clips that were judged unknown: how many, which clips, what they may be called.

The clips of a group are ordered by how typical they are. Which of them a person should look at
twice is told by their margin. Nothing here reads the true emotion of a clip.
"""
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import silhouette_score

from ..datasets.emotions import emotion_of
from ..errors import InputError
from .clusters import cluster, directions, name_clusters
from .naming import similarities

MOST_GROUPS = 10


@dataclass
class Group:
    """Clips that look alike, and words for them.

    Attributes:
        clips (np.ndarray): (n,) rows of the features, the most typical first: that whose direction
            is nearest to the mean direction of the group.
        margins (np.ndarray): (n,), in the same order: how much nearer a clip is to the centre of
            its group than to that of the next one, as a difference of Euclidean distances. With a
            single group it is minus the distance to its centre.
        words (list[tuple[str, float]]): a word of the lexicon for each of its names with its mean
            cosine over the group, the best first.
        name (str or None): the emotion that is suggested; no two groups have the same while others
            are left. None if the word is no emotion that :func:`.emotions.canonical` knows.
    """
    clips: np.ndarray
    margins: np.ndarray
    words: list
    name: str | None

    def doubtful(self, count):
        """Choose the clips with the smallest margins.

        Args:
            count (int): how many.

        Returns:
            np.ndarray: (min(count, n),) rows of the features, the most doubtful first.
        """
        return self.clips[np.argsort(self.margins, kind='stable')[:count]]


def count_groups(features, train_features=None, most=MOST_GROUPS):
    """Estimate the number of groups: the largest mean silhouette (Rousseeuw 1987).

    Every group has two clips or more. A silhouette needs two groups, so one is never the answer.

    Args:
        features (np.ndarray): (N, D) of the unknown clips.
        train_features (np.ndarray, optional): (M, D), see :func:`.clusters.directions`. Defaults
            to None.
        most (int): the largest number that is tried. Defaults to 10.

    Returns:
        int: in 2 .. min(most, N // 2); of equal ones the smallest.

    Raises:
        InputError: there are fewer than four clips, or no number leaves two clips in every group.
    """
    if len(features) < 4:
        raise InputError(f'{len(features)} unknown clips are too few to tell how many groups they '
                         'make: give more clips, or the number with --groups')
    ways, best = directions(features, train_features), {}
    for k in range(2, min(most, len(features) // 2) + 1):
        found = cluster(features, k, train_features)
        sizes = np.bincount(found, minlength=k)
        if sizes.min() > 1:
            best[k] = silhouette_score(ways, found)
    if not best:
        raise InputError(f'the {len(features)} unknown clips make no groups of two clips or more: '
                         'give more clips, or the number of groups with --groups')
    return max(best, key=best.get)


def find_groups(features, texts, lexicon, k=None, train_features=None):
    """Group unknown clips and suggest a name for every group.

    Args:
        features (np.ndarray): (N, D) of the clips that were judged unknown.
        texts (np.ndarray): (W, D) of the words of the lexicon, see :func:`.naming.encode_words`.
        lexicon (dict[str, str]): W words to names, without those of known emotions, see
            :func:`.naming.candidates`.
        k (int, optional): number of groups. Defaults to that of :func:`count_groups`.
        train_features (np.ndarray, optional): (M, D) of the known training clips, see
            :func:`.clusters.directions`. Defaults to None.

    Returns:
        list[Group]: the largest first.

    Raises:
        InputError: there are fewer clips than groups, a group would have one clip alone, or as of
            :func:`count_groups`.
    """
    features = np.asarray(features, dtype=np.float64)
    if k is None:
        k = count_groups(features, train_features)
    found = cluster(features, k, train_features)
    sizes = np.bincount(found, minlength=k)
    if sizes.min() < 2:
        raise InputError(f'{k} groups of {len(features)} unknown clips leave one clip alone in a '
                         'group: give fewer groups or more clips')
    ways = directions(features, train_features)
    centres = np.stack([ways[found == c].mean(0) for c in range(k)])
    distances = np.linalg.norm(ways[:, None] - centres, axis=2)
    own = distances[np.arange(len(found)), found]
    others = distances.copy()
    others[np.arange(len(found)), found] = np.inf
    margins = (others.min(1) if k > 1 else 0) - own
    cosines = similarities(features, texts)
    named = name_clusters(found, cosines, lexicon)
    groups = []
    for c in np.argsort(-sizes, kind='stable'):
        clips = np.flatnonzero(found == c)
        clips = clips[np.argsort(own[clips], kind='stable')]
        groups.append(Group(clips, margins[clips], _words(cosines[clips].mean(0), lexicon),
                            emotion_of(lexicon[named[c]])))
    return groups


def _words(values, lexicon):
    """The best word of every name with its value, the best first."""
    words, best = list(lexicon), {}
    for i in np.argsort(-values, kind='stable'):
        best.setdefault(lexicon[words[i]], (words[i], float(values[i])))
    return list(best.values())
