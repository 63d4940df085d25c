import numpy as np

from hesp_mmaction.visualization.regions import draw_region


def test_three_panels_with_heat_and_window_where_they_belong():
    frame = np.full((40, 40, 3), 100, np.uint8)
    heat = np.zeros((4, 4))
    heat[3, 0] = 1
    picture = draw_region(frame, heat, (5, 20, 10))
    assert picture.shape == (40, 120, 3)
    assert (picture[:, :40] == 100).all()
    under = picture[:, 40:80].sum(2).astype(int)
    assert under[38, 1] > under[1, 38] + 100  # the corner that is looked at is brighter
    changed = (picture[:, 80:] != 100).any(2)
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 14, 20, 29)


def test_an_empty_map_is_no_error():
    assert draw_region(np.zeros((8, 8, 3), np.uint8), np.zeros((2, 2)), (0, 0, 4)).any()
