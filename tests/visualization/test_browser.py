"""The page of a run in a real browser (headless Chromium; skipped where there is none)."""
import shutil

import numpy as np
import pytest
from test_report import make_dump

from hesp_mmaction.visualization.report_page import report_page

sync_api = pytest.importorskip('playwright.sync_api')
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason='no chromium in PATH')

QUIET = ('--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
         '--disable-component-update', '--disable-sync')
LOOK = """pictures => pictures.map(p => {
    const box = p.getBoundingClientRect();
    const canvas = Object.assign(document.createElement('canvas'), {width: 64, height: 64});
    const drawing = canvas.getContext('2d');
    drawing.drawImage(p, 0, 0, 64, 64);
    const colours = new Set(new Uint32Array(drawing.getImageData(0, 0, 64, 64).data.buffer));
    return {width: box.width, height: box.height, right: box.right, colours: colours.size,
            shown: p.checkVisibility()};
})"""


@pytest.mark.ci
def test_every_figure_is_seen_and_the_console_is_empty(tmp_path, write_clip):
    for i in range(40):
        write_clip(tmp_path / f'{i:03d}.avi', np.full((4, 32, 32, 3), 5 * i, np.uint8))
    page_file = tmp_path / 'report.html'
    page_file.write_text(report_page('a run', make_dump(), dict(AUROC=51.2), str(tmp_path)),
                         encoding='utf-8')
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport=dict(width=1000, height=800))
        said, asked = [], []
        page.on('console', lambda message: said.append(message.text))
        page.on('pageerror', lambda error: said.append(str(error)))
        page.on('request', lambda request: asked.append(request.url))
        page.goto(page_file.as_uri())
        pictures = page.eval_on_selector_all('img', LOOK)
        browser.close()
    assert said == []
    assert [url for url in asked if not url.startswith('data:')] == [page_file.as_uri()]
    assert len(pictures) == 6
    for picture in pictures:
        assert picture['shown'] and picture['width'] > 300 and picture['height'] > 200
        assert picture['right'] <= 1000  # no figure leaves the window
        assert picture['colours'] > 3  # something is drawn
