"""One page per run, readable without a server: tables and figures in a single file."""
import base64
import html
import io

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; background: #ffffff }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #d0d0d0 }
th:first-child, td:first-child { text-align: left }
figure { margin: 1.5rem 0 } figure img { max-width: 100%; height: auto }
figcaption { color: #555555; font-size: .9rem }
"""


def page(title, parts):
    """Join parts to a page.

    Args:
        title (str): plain text.
        parts (Sequence[str]): HTML.

    Returns:
        str: the page.
    """
    return ('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<link rel="icon" href="data:,">\n'  # else browsers ask for /favicon.ico
            f'<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n'
            f'<h1>{html.escape(title)}</h1>\n' + '\n'.join(parts) + '\n</body>\n</html>\n')


def table(head, rows):
    """Make a table. Cells of any type are shown as text.

    Args:
        head (Sequence): cells of the first row.
        rows (Iterable[Sequence]): cells of the other rows.

    Returns:
        str: HTML.
    """
    def line(cells, tag):
        return ('<tr>' + ''.join(f'<{tag}>{html.escape(str(cell))}</{tag}>' for cell in cells)
                + '</tr>')
    return '<table>' + line(head, 'th') + ''.join(line(row, 'td') for row in rows) + '</table>'


def picture(figure, caption):
    """Make HTML that contains a matplotlib figure itself.

    Args:
        figure (matplotlib.figure.Figure): the figure.
        caption (str): plain text, also read aloud in place of the picture.

    Returns:
        str: HTML.
    """
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=130)
    data = base64.b64encode(file.getvalue()).decode()
    return (f'<figure><img alt="{html.escape(caption, quote=True)}" '
            f'src="data:image/png;base64,{data}">'
            f'<figcaption>{html.escape(caption)}</figcaption></figure>')


def heading(text):
    """Make a heading.

    Args:
        text (str): plain text.

    Returns:
        str: HTML.
    """
    return f'<h2>{html.escape(text)}</h2>'


def paragraph(text):
    """Make a paragraph.

    Args:
        text (str): plain text.

    Returns:
        str: HTML.
    """
    return f'<p>{html.escape(text)}</p>'
