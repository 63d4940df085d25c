"""Groups of unknown clips: how many, which clips, what they may be called.

The clips of a group are ordered by how typical they are. Which of them a person should look at
twice is told by their margin. Nothing here reads the true emotion of a clip.
"""
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import silhouette_score

from ..datasets.emotions import emotion_of
from ..discovery.semi_kmeans import semi_kmeans
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
            its group than to the next one, of another group or of a known emotion, as a difference
            of Euclidean distances. Without another one it is minus the distance to its centre.
        words (list[tuple[str, float]]): a word of the lexicon for each of its names with its mean
            cosine over the group, the best first.
        name (str or None): the emotion that is suggested; no two groups have the same while others
            are left. None if the word is no emotion that ``emotions.canonical`` knows.
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


def split_clips(features, k, train_features=None, train_labels=None):
    """Split clips into k new groups and, with labels of known clips, into those of known emotions.

    Args:
        features (np.ndarray): (N, D).
        k (int): number of new groups.
        train_features (np.ndarray, optional): (M, D) of the known training clips, see
            ``clusters.directions``. Defaults to None.
        train_labels (np.ndarray, optional): (M,), in 0 .. K - 1. Known clips and new ones are then
            grouped together by ``semi_kmeans.semi_kmeans``. Defaults to None: all N clips are
            new, and k-means of ``clusters.cluster`` splits them.

    Returns:
        tuple[np.ndarray, np.ndarray]: new group of each clip (N,) in 0 .. k - 1, or -1 where a
        known emotion is nearer; and distances (N, k + K) of the directions to the centres of the
        new groups and of the known emotions (K is 0 without labels).
    """
    ways = directions(features, train_features)
    if train_labels is None:
        found, everything = cluster(features, k, train_features), ways
        groups = found
    else:
        labels = np.asarray(train_labels)
        known = directions(train_features, train_features)
        number = labels.max() + 1
        place = np.roll(np.arange(number + k), -k)  # known ones after the new ones
        found = place[semi_kmeans(known, labels, ways, number + k).groups]
        everything, groups = np.concatenate([known, ways]), np.concatenate([place[labels], found])
    centres = [everything[groups == c].mean(0) if (groups == c).any() else
               np.full(ways.shape[1], np.inf) for c in range(groups.max() + 1)]
    distances = np.stack([np.linalg.norm(ways - centre, axis=1) for centre in centres], 1)
    return np.where(found < k, found, -1), distances


def count_groups(features, train_features=None, train_labels=None, most=MOST_GROUPS):
    """Estimate the number of new groups: that with the largest mean silhouette of the clips.

    Every group has two clips or more. A silhouette (Rousseeuw 1987) compares groups, so the answer
    is never one.

    Args:
        features (np.ndarray): (N, D) of the clips.
        train_features (np.ndarray, optional): see ``split_clips``. Defaults to None.
        train_labels (np.ndarray, optional): see ``split_clips``. Defaults to None.
        most (int): the largest number that is tried. Defaults to 10.

    Returns:
        int: in 2 .. min(most, N // 2); the smallest if several are equally good.

    Raises:
        InputError: there are fewer than four clips, or no number leaves two clips in every group.
    """
    if len(features) < 4:
        raise InputError(f'{len(features)} unknown clips are too few to tell how many groups they '
                         'make: give more clips, or the number with --groups')
    ways, best = directions(features, train_features), {}
    spare = len(features) - (0 if train_labels is None else max(train_labels) + 1)
    for k in range(2, min(most, len(features) // 2, spare) + 1):
        found, _ = split_clips(features, k, train_features, train_labels)
        new = found >= 0
        if np.bincount(found[new], minlength=k).min() > 1:
            best[k] = silhouette_score(ways[new], found[new])
    if not best:
        raise InputError(f'the {len(features)} unknown clips make no groups of two clips or more: '
                         'give more clips, or the number of groups with --groups')
    return max(best, key=best.get)


def find_groups(features, texts, lexicon, k=None, train_features=None, train_labels=None):
    """Group unknown clips and suggest a name for every group.

    Args:
        features (np.ndarray): (N, D) of clips. Without ``train_labels`` all of them are grouped;
            with these, clips that are nearer to a known emotion than to any group are left out.
        texts (np.ndarray): (W, D) of the words of the lexicon, see ``naming.encode_words``.
        lexicon (dict[str, str]): W words to names, without those of known emotions, see
            ``naming.candidates``.
        k (int, optional): number of groups. Defaults to that of ``count_groups``.
        train_features (np.ndarray, optional): see ``split_clips``. Defaults to None.
        train_labels (np.ndarray, optional): see ``split_clips``. Defaults to None.

    Returns:
        list[Group]: the largest first.

    Raises:
        InputError: fewer clips than groups, or a group would have one clip alone; see also
            ``count_groups``.
    """
    features = np.asarray(features, dtype=np.float64)
    if k is not None and k < 1:
        raise InputError(f'{k} groups cannot be made: give a number from 1 on')
    known = 0 if train_labels is None else max(train_labels) + 1
    needed = max(2 * (k or 0), (k or 0) + known)
    if k is not None and len(features) < needed:
        beside = f' beside {known} known emotions' if known else ''
        raise InputError(f'{len(features)} clips are too few for {k} groups{beside}, which need '
                         f'{needed}: give more clips or fewer groups')
    if k is None:
        k = count_groups(features, train_features, train_labels)
    found, distances = split_clips(features, k, train_features, train_labels)
    new = np.flatnonzero(found >= 0)
    sizes = np.bincount(found[new], minlength=k)
    if sizes.min() < 2:
        raise InputError(f'the smallest of {k} groups would have {sizes.min()} of the '
                         f'{len(features)} clips, and a group needs two: give fewer groups or more '
                         'clips')
    own = distances[np.arange(len(found)), found]
    others = distances.copy()
    others[new, found[new]] = np.inf
    margins = (others.min(1) if others.shape[1] > 1 else 0) - own
    cosines = similarities(features, texts)
    named = name_clusters(found[new], cosines[new], lexicon)
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
