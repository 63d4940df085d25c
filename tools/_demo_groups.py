"""The tab of the demo page that groups unknown clips. Not a tool, but a part of demo.py."""
import tempfile
from pathlib import Path

import gradio as gr

from hesp_mmaction.apis.demo_groups import MOST_CLIPS, decided_text
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.groups import MOST_GROUPS
from hesp_mmaction.visualization.answer import problem
from hesp_mmaction.visualization.group_cards import card, summary

ABOUT = ('Give clips without labels. The model judges them, the unknown ones are grouped, and you '
         'say which groups are emotions. `tools/discover.py --apply` reads your decisions.')
ACCEPT, DROP = 'accept', 'drop'


class GroupsTab:
    """What the controls of the tab do.

    Args:
        finder (GroupFinder): groups clips.
        lock (Lock): held while a model is at work.
        local (bool): whether the page is for this machine only, so that it may name folders of it.
        folder (str): where files for download are made.
    """

    def __init__(self, finder, lock, local, folder):
        self.finder, self.lock, self.local, self.folder = finder, lock, local, folder

    def find(self, files, folder, k):
        """Group what was handed in.

        Args:
            files (list[str] or None): uploaded videos.
            folder (str): of this machine; it goes before the files, and is not looked at if other
                machines see the page.
            k (int): number of groups, 0 for an estimate.

        Returns:
            tuple: the groups with whether they are of uploaded files, or None; what is said of
            them; and the changes of ``boxes``.
        """
        folder = (folder or '').strip() if self.local else ''
        try:
            inputs = [folder] if folder else files
            if not inputs:
                raise InputError('Choose several video files, or name a folder.' if self.local
                                 else 'Choose several video files.')
            with self.lock:
                grouped = self.finder(inputs, int(k) or None)
        except InputError as error:
            return None, problem(str(error)), *self.boxes(None)
        return (grouped, not folder), summary(grouped), *self.boxes(grouped)

    def boxes(self, grouped):
        """Fill a box for each group, and hide the others.

        Args:
            grouped (Grouped or None): the groups.

        Returns:
            list: for each of ``MOST_GROUPS`` boxes the box, its card, action and name.
        """
        changes = []
        for number in range(MOST_GROUPS):
            if grouped is None or number >= len(grouped.groups):
                changes += [gr.Column(visible=False), '', DROP, gr.Dropdown([], value=None)]
                continue
            group, names = grouped.groups[number], grouped.suggestions(number)
            changes += [gr.Column(visible=True), card(number + 1, group, grouped.paths),
                        ACCEPT if group.name else DROP,
                        gr.Dropdown(names[:8], value=group.name)]
        return changes

    def write(self, found, *boxes):
        """Make the file for download.

        Args:
            found (tuple or None): of ``find``.
            *boxes (str or None): action and name of every box in turn.

        Returns:
            tuple: the change to the button, and what is wrong with the decisions.
        """
        off = gr.update(interactive=False)
        if found is None:
            return off, ''
        grouped, uploaded = found
        choices = zip(boxes[::2], boxes[1::2], strict=True)
        try:
            decisions = []
            for number, (_, (action, name)) in enumerate(
                    zip(grouped.groups, choices, strict=False), 1):
                if action == ACCEPT and not (name or '').strip():
                    raise InputError(f'Group {number} has no name: choose one, or drop the group.')
                decisions.append(name if action == ACCEPT else None)
            if not any(decisions):
                raise InputError('No group is accepted.')
            text = decided_text(grouped, decisions, self.finder.inferencer.known,
                                [Path(path).name for path in grouped.paths] if uploaded else None)
        except InputError as error:
            return off, problem(str(error))
        path = Path(tempfile.mkdtemp(dir=self.folder)) / 'groups.txt'
        path.write_text(text, encoding='utf-8')
        return gr.update(value=str(path), interactive=True), ''

    def build(self):
        """Lay out the tab, inside a ``gr.Tab``."""
        gr.Markdown(ABOUT)
        with gr.Row():
            with gr.Column(scale=4, min_width=340):
                files = gr.File(label=f'Clips (up to {MOST_CLIPS})', file_count='multiple',
                                height=200, elem_id='clips')
                folder = gr.Textbox(label='Or a folder of this machine', visible=self.local,
                                    elem_id='folder')
                k = gr.Slider(0, MOST_GROUPS, 0, step=1, label='Number of groups',
                              info='0: it is estimated.', elem_id='count')
                button = gr.Button('Find groups', variant='primary', elem_id='find')
                download = gr.DownloadButton('Download groups.txt', interactive=False,
                                             elem_id='download')
                wrong = gr.HTML(elem_id='wrong')
            with gr.Column(scale=7, min_width=480):
                said, found, outputs, boxes = gr.HTML(elem_id='said'), gr.State(), [], []
                for number in range(1, MOST_GROUPS + 1):
                    with gr.Column(visible=False, variant='panel',
                                   elem_id=f'group{number}') as box:
                        picture = gr.HTML()
                        with gr.Row():
                            action = gr.Radio([ACCEPT, DROP], value=DROP, show_label=False)
                            name = gr.Dropdown([], label='Emotion', allow_custom_value=True,
                                               info='Suggested ones, or one of yours.')
                    outputs += [box, picture, action, name]
                    boxes += [action, name]
        quiet = dict(api_visibility='private', trigger_mode='always_last')
        write = dict(fn=self.write, inputs=[found, *boxes], outputs=[download, wrong],
                     show_progress='hidden', **quiet)
        button.click(self.find, [files, folder, k], [found, said, *outputs],
                     show_progress_on=said, **quiet).then(**write)
        gr.on([box.change for box in boxes], **write)
