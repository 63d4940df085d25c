"""For mkdocs: the package's docstrings as Markdown, loaded by mkdocs.yml.

Our sections name several parameters on a line where that is shorter; a parser of Google's style
drops what it does not understand of them. Here every word stays: a section becomes a list.
"""
import re
import textwrap

import griffe

SECTIONS = ('Args', 'Returns', 'Yields', 'Raises')
# A further parameter on the same line: "k (int): ..." or "k (int), l (int): ..." after a full stop.
FURTHER = re.compile(r'(?<=[.;]) (?=\*{0,2}\w+ \([^()]*(?:\([^()]*\)[^()]*)*\)[:,.])')
NAMES = re.compile(r'(?:\*{0,2}\w+(?: \([^()]*(?:\([^()]*\)[^()]*)*\))?(?:, | and )?)+(?=[:.])')


def entries(body):
    """Entries of a section's body: a line at the left begins one, or a name after a full stop."""
    lines = []
    for line in textwrap.dedent(body).splitlines():
        if line.startswith(' ') and lines:
            lines[-1] += ' ' + line.strip()
        elif line.strip():
            lines.append(line.strip())
    return [entry for line in lines for entry in FURTHER.split(line)]


def section(title, body):
    """A section (str) as Markdown; what stands before the colon of an entry is set as code."""
    if title == 'Returns':  # prose in several lines
        return f'**{title}** {" ".join(body.split())}'

    def said(entry):
        match = NAMES.match(entry)
        return f'`{match[0]}`{entry[match.end():]}' if match else entry
    return f'**{title}**\n\n' + '\n'.join(f'* {said(entry)}' for entry in entries(body))


def to_markdown(text):
    """A docstring of this package (str) as Markdown (str)."""
    text = re.sub(r':\w+:`~?([^`]*)`',  # roles: the last part of a name
                  lambda m: f'`{m[1].split(".")[-1] if "~" in m[0] else m[1].lstrip(".")}`', text)
    text = re.sub(r'::$', ':', text, flags=re.M)
    text = re.sub(r'(?:^=+ =.*\n)(?:.*\n)+?(?:^=+ =.*\n)(?:.*\n)+?(?:^=+ =.*$)',
                  lambda m: f'```text\n{m[0]}\n```', text, flags=re.M)
    text = re.sub(r'^>>> .*(?:\n.+)*', r'```pycon\n\g<0>\n```', text, flags=re.M)
    heads = '|'.join(SECTIONS)
    text = re.sub(rf'^({heads}):\n((?:(?:[ ].*)?\n|[ ].*\Z)+)',
                  lambda m: section(m[1], m[2]) + '\n\n', text + '\n', flags=re.M)
    text = re.sub(rf'^({heads}): ', r'**\1** ', text, flags=re.M).strip()
    # Outside of code "a[0][1]" would be a link.
    return re.sub(r'```.*?```|``[^`]*``|`[^`]*`|^    [^\n]*$|\](?=\[)',
                  lambda m: r'\]' if m[0] == ']' else m[0], text, flags=re.M | re.S)


class Docstrings(griffe.Extension):
    """Rewrites every docstring before it is shown, and shows everything once, where it is made."""

    def on_object(self, *, obj, **kwargs):
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)
        if obj.is_module:
            for name in [name for name, member in obj.members.items() if member.is_alias]:
                obj.del_member(name)
