"""The scores that read texts, frames or words, clip by clip in numpy, from the papers' formulas."""
import numpy as np


def unit(x):
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def energy(z):
    return z.max() + np.log(np.exp(z - z.max()).sum())


def means_of(train, num_classes):
    g = unit(train['feature'])
    return unit(np.array([sum(g[train['label'] == k]) for k in range(num_classes)]))


def fdbd(dump, train):
    w, mu, found = dump['class_text'], np.mean(unit(train['feature']), 0), []
    for f in unit(dump['feature']):
        y = max(range(len(w)), key=lambda k: f @ w[k])
        gaps = [abs(f @ w[y] - f @ w[c]) / np.sqrt(((w[y] - w[c]) ** 2).sum()) /
                np.sqrt(((f - mu) ** 2).sum()) for c in range(len(w)) if c != y]
        found.append(sum(gaps) / len(gaps))
    return np.array(found)


def nci(dump, train):
    w, mu, found = dump['class_text'], np.mean(unit(train['feature']), 0), []
    for f in unit(dump['feature']):
        y = max(range(len(w)), key=lambda k: f @ w[k])
        found.append((f - mu) @ w[y] / np.sqrt(((f - mu) ** 2).sum()))
    return np.array(found)


def nnguide(dump, train):
    g = unit(train['feature'])
    scaled = [energy(z) * x for z, x in zip(train['logits'], g, strict=True)]
    found = []
    for f, z in zip(unit(dump['feature']), dump['logits'], strict=True):
        first = sorted((f @ x for x in scaled), reverse=True)[:10]
        found.append(energy(z) * sum(first) / len(first))
    return np.array(found)


def gl_mcm(dump, train):
    return np.array([softmax(clip).max() + max(softmax(frame).max() for frame in frames)
                     for clip, frames in zip(dump['logits_cosine'], dump['frame_cosine'],
                                             strict=True)])


def prototypes(dump, train):
    t = dump['class_text']
    m = means_of(train, len(t))
    return np.array([max(f @ t[k] + f @ m[k] for k in range(len(t)))
                     for f in unit(dump['feature'])])


def cls(dump, train, pool):
    y, x = np.array([pool(z) for z in train['logits_known']]), train['logits_context'][:, 0]
    slope = np.polyfit(x, y, 1)[0]
    return np.array([pool(z - slope * z0) for z, z0 in zip(
        dump['logits_known'], dump['logits_context'], strict=True)])


def eoe(dump, train):
    t, found = np.concatenate([dump['class_text'], dump['word_text']]), []
    for f in unit(dump['feature']):
        p = softmax(t @ f)
        found.append(p[:len(dump['class_text'])].max() - p[len(dump['class_text']):].max() / 4)
    return np.array(found)


def neglabel(dump, words):
    t, found = np.concatenate([dump['class_text'], words]), []
    for f in unit(dump['feature']):
        found.append(softmax(t @ f / 0.01)[:len(dump['class_text'])].sum())
    return np.array(found)


def interneg(dump, train):
    t, w = dump['class_text'], dump['word_text']
    m = means_of(train, len(t))
    kept = [word for word in w if all(word @ m[k] < t[k] @ m[k] for k in range(len(t)))]
    assert 0 < len(kept) < len(w)
    return neglabel(dump, kept)


def negrefine(dump, train):
    t, w, pairs, gains = dump['class_text'], dump['word_text'], dump['pair_text'], []
    for f in unit(dump['feature']):
        k = sorted(range(len(t)), key=lambda i: -(f @ t[i]))[:5]
        j = sorted(range(len(w)), key=lambda i: -(f @ w[i]))[:5]
        gains.append(max(1 / (1 + np.exp(-100 * (f @ pairs[a, b] - f @ w[b])))
                         for a in k for b in j))
    return neglabel(dump, w) + 2 * np.array(gains)


def expected(dump, train):
    """Score name to values (N,)."""
    return dict(fdbd=fdbd(dump, train), nci=nci(dump, train), nnguide=nnguide(dump, train),
                gl_mcm=gl_mcm(dump, train), prototypes=prototypes(dump, train),
                cls_max=cls(dump, train, np.max), cls_logsumexp=cls(dump, train, energy),
                eoe=eoe(dump, train), neglabel=neglabel(dump, dump['word_text']),
                interneg=interneg(dump, train), negrefine=negrefine(dump, train))
