"""Unknown samples in groups: clusters, their names, and how well they fit the true emotions."""
import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.preprocessing import normalize

from ..errors import InputError


def directions(features, train_features=None):
    """The directions that are grouped.

    Args:
        features (np.ndarray): (N, D), of any length.
        train_features (np.ndarray, optional): features (M, D) of the known training samples. The
            mean of their directions is then subtracted. Defaults to None.

    Returns:
        np.ndarray: (N, D), of length 1.
    """
    features = normalize(features)
    if train_features is None:
        return features
    return normalize(features - normalize(train_features).mean(0))


def cluster(features, k, train_features=None):
    """k-means of directions, the best of 20 starts.

    Args:
        features (np.ndarray): (N, D), of any length.
        k (int): number of clusters.
        train_features (np.ndarray, optional): (M, D), see ``directions``. Defaults to None.

    Returns:
        np.ndarray: cluster of each sample (N,), in 0 .. k - 1.

    Raises:
        InputError: k is not in 1 .. N.
    """
    if not 1 <= k <= len(features):
        raise InputError(f'{len(features)} unknown samples do not make {k} clusters: give another '
                         'number of clusters')
    return KMeans(k, n_init=20, random_state=0).fit_predict(directions(features, train_features))


def name_clusters(clusters, found, lexicon):
    """Choose a word for every cluster. No emotion is used twice while others are left.

    The value of a word for a cluster is its mean similarity over the cluster. The value of a name
    is that of its best word. Names are assigned so that the sum of the values is largest.

    Args:
        clusters (np.ndarray): (N,), in 0 .. k - 1.
        found (np.ndarray): similarities (N, W) of samples and words.
        lexicon (dict[str, str]): W words to their names.

    Returns:
        list[str]: a word of the lexicon for each of the k clusters.
    """
    words, names = list(lexicon), np.array(list(lexicon.values()))
    values = np.stack([found[clusters == c].mean(0) for c in range(clusters.max() + 1)])
    best = [np.where(names == name, values, -np.inf).argmax(1) for name in dict.fromkeys(names)]
    best = np.stack(best, 1)  # (k, names): the best word of each name
    result = [words[i] for i in values.argmax(1)]  # of clusters beyond the number of names
    for c, name in zip(*linear_sum_assignment(-np.take_along_axis(values, best, 1)), strict=True):
        result[c] = words[best[c, name]]
    return result


def match(clusters, truth):
    """Find the right samples under the best one-to-one match of clusters and emotions.

    Args:
        clusters (Sequence[int]): cluster of each sample (N,).
        truth (Sequence[str]): emotion of each sample (N,).

    Returns:
        np.ndarray: bool (N,). Samples of a cluster that is left without an emotion are wrong.
    """
    clusters, truth = (np.unique(list(x), return_inverse=True)[1] for x in (clusters, truth))
    table = np.zeros((clusters.max() + 1, truth.max() + 1))
    np.add.at(table, (clusters, truth), 1)
    matched = np.zeros(table.shape, bool)
    matched[linear_sum_assignment(-table)] = True
    return matched[clusters, truth]


def cluster_accuracy(clusters, truth):
    """Share of samples in the right cluster, under the best one-to-one match with emotions.

    Args:
        clusters (Sequence[int]): cluster of each sample (N,).
        truth (Sequence[str]): emotion of each sample (N,).

    Returns:
        float: in [0, 1].
    """
    return float(match(clusters, truth).mean())


def cluster_measures(clusters, truth):
    """Compare groups with emotions. Emotions that are known count as well.

    Args:
        clusters (np.ndarray): group of each clip (N,).
        truth (np.ndarray): true emotion of each clip (N,).

    Returns:
        dict[str, float]: ``NMI``, ``ARI`` and ``cluster_ACC`` in percent.
    """
    return {name: 100 * float(value) for name, value in dict(
        NMI=normalized_mutual_info_score(truth, clusters),
        ARI=adjusted_rand_score(truth, clusters),
        cluster_ACC=cluster_accuracy(clusters, truth)).items()}
