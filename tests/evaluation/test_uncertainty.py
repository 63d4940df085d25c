import numpy as np
import pytest

from hesp_mmaction.evaluation import auroc, bootstrap_interval, oscr, paired_comparison


def scores(seed, num_known=80, num_unknown=60, gap=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(gap, 1, num_known), rng.normal(0, 1, num_unknown)


def mean_difference(known, unknown):
    return known.mean() - unknown.mean()


def test_width_is_that_of_theory():
    known, unknown = scores(0)
    low, high = bootstrap_interval(mean_difference, (known,), (unknown,))
    error = np.sqrt(known.var() / 80 + unknown.var() / 60)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)
    assert (high + low) / 2 == pytest.approx(mean_difference(known, unknown), abs=0.2 * error)
    narrow = bootstrap_interval(mean_difference, (known,), (unknown,), level=0.5)
    assert (narrow[1] - narrow[0]) / 2 == pytest.approx(0.674 * error, rel=0.15)


def test_known_and_unknown_are_drawn_apart_and_rows_stay_together():
    def metric(known, correct, unknown):
        assert len(known) == 30 and len(unknown) == 7
        assert known.max() < 100 <= unknown.min()
        assert (correct == (known % 2 == 0)).all()
        return oscr(known, correct, unknown)

    known = np.arange(30.)
    assert bootstrap_interval(metric, (known, known % 2 == 0), (100 + np.arange(7.),),
                              num_draws=50) == (0, 0)


def test_the_seed_decides():
    known, unknown = scores(1)
    first = bootstrap_interval(auroc, (known,), (unknown,), num_draws=99)
    assert bootstrap_interval(auroc, (known,), (unknown,), num_draws=99) == first
    assert bootstrap_interval(auroc, (known,), (unknown,), num_draws=99, seed=1) != first


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    truth = 0.7602  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt(2))
    inside = 0
    for seed in range(60):
        known, unknown = scores(seed, 50, 50)
        low, high = bootstrap_interval(auroc, (known,), (unknown,), num_draws=200)
        inside += low <= truth <= high
    assert 51 <= inside  # 57 expected


def test_paired_comparison_sees_what_intervals_of_each_cannot():
    known, unknown = scores(2, 200, 200)
    better = (known + 0.15,), (unknown,)
    found = paired_comparison(auroc, better, ((known,), (unknown,)))
    assert found.difference == auroc(known + 0.15, unknown) - auroc(known, unknown)
    assert 0 < found.low < found.difference < found.high and found.p_value < 0.01
    a = bootstrap_interval(auroc, *better)
    b = bootstrap_interval(auroc, (known,), (unknown,))
    assert a[0] < b[1]  # these overlap
    back = paired_comparison(auroc, ((known,), (unknown,)), better)
    assert back.difference == -found.difference and back.p_value == found.p_value


def test_equal_methods_are_not_told_apart():
    known, unknown = scores(3)
    same = (known,), (unknown,)
    assert paired_comparison(auroc, same, same, num_draws=99) == (0, 0, 0, 1)
    rejected = 0
    for seed in range(40):
        truth = scores(seed, 60, 60)
        rng = np.random.default_rng(1000 + seed)
        a, b = ([(s + rng.normal(0, 1, len(s)),) for s in truth] for _ in range(2))
        rejected += paired_comparison(auroc, a, b, num_draws=99).p_value < 0.05
    assert rejected <= 7  # 2 expected


def test_bad_input():
    known, unknown = scores(4)
    with pytest.raises(ValueError, match='unknown arrays must have one length of at least 2'):
        bootstrap_interval(auroc, (known,), (unknown[:1],))
    with pytest.raises(ValueError, match='known arrays must have one length'):
        bootstrap_interval(oscr, (known, known[1:] > 0), (unknown,))
    with pytest.raises(ValueError, match='same samples, not 80 and 79'):
        paired_comparison(auroc, ((known,), (unknown,)), ((known[1:],), (unknown,)))
    with pytest.raises(ValueError, match='known scores hold'):
        bootstrap_interval(auroc, (np.full(3, np.nan),), (unknown,))
