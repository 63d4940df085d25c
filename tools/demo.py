"""A page in the browser that predicts on a clip and shows why. Nothing leaves this machine.

    pip install "hesp-mmaction[demo]"
    python tools/demo.py
    python tools/demo.py --config work_dirs/run/hesp_afew_o34.py \\
        --checkpoint work_dirs/run/epoch_10.pth

Without --config it uses the model embedded in this package, which was trained on drawn faces.
"""
import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path
from threading import Lock

os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'  # read at its import: it would call home
from mmengine.logging import MMLogger

from hesp_mmaction.apis import HESPInferencer
from hesp_mmaction.apis.demo import (
    JOINED,
    LONGEST,
    MOST_BYTES,
    look,
    with_threshold,
    without_proxies,
    write_samples,
    zero_shot,
    zero_shot_threshold,
)
from hesp_mmaction.apis.demo_access import (
    check_host,
    for_us_only,
    launch_options,
    warn_of_strangers,
)
from hesp_mmaction.apis.demo_groups import GroupFinder, read_train_features
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.datasets.emotions import BASIC
from hesp_mmaction.datasets.video import Video, return_memory_at_once
from hesp_mmaction.errors import InputError
from hesp_mmaction.visualization import group_cards
from hesp_mmaction.visualization.answer import answer, problem
from hesp_mmaction.visualization.answer_style import STYLE

try:
    with without_proxies():  # a SOCKS proxy would need a package more
        import gradio as gr
except ImportError as error:
    raise SystemExit('error: this page needs Gradio: pip install "hesp-mmaction[demo]"') from error
except ValueError as error:
    raise SystemExit(f'error: Gradio cannot be loaded ({error}): see GRADIO_SERVER_PORT and the '
                     'other GRADIO_ variables of the environment') from error
from _demo_groups import GroupsTab

FREE = 'zero-shot CLIP'
FIRST = 'happiness'  # the sample that is shown at the beginning
ABOUT = """# Open-set facial expression recognition
A model knows some emotions. Is what a clip shows one of them, or something else: **unknown**?"""
CSS = STYLE + group_cards.STYLE + """
.gradio-container { max-width: 1320px !important; margin: 0 auto !important }
#samples .grid-wrap { height: auto !important; min-height: 0; padding: 0 }
#samples { height: auto !important; min-height: 0; border: 0; overflow: visible }
"""


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', help='config file; default: the embedded model')
    parser.add_argument('--checkpoint', help='its weights (.pth or .safetensors)')
    parser.add_argument('--device', help='default: cuda where there is one')
    parser.add_argument('--amp', action='store_true', help='mixed precision, of the trained model')
    parser.add_argument('--host', default=os.environ.get('GRADIO_SERVER_NAME') or '127.0.0.1',
                        help='0.0.0.0 lets other machines see the page (default: '
                             'GRADIO_SERVER_NAME of the environment, else 127.0.0.1)')
    parser.add_argument('--port', type=int, help='default: the first free one from '
                        'GRADIO_SERVER_PORT of the environment on, else from 7860')
    parser.add_argument('--auth', metavar='USER:PASSWORD', help='ask for these before the page')
    parser.add_argument('--root-path', metavar='PATH',
                        help='where a web server in front of the page has it, such as /faces '
                             '(default: GRADIO_ROOT_PATH of the environment)')
    return parser.parse_args()


class Page:
    """What the controls of the page do.

    Args:
        trained (HESPInferencer): the trained model.
        name (str): its name on the page.
        device (str | None): the device of the zero-shot model; None: a GPU if the machine has one.
        samples (dict[str, Path]): the path of each sample video, by name.
    """

    def __init__(self, trained, name, device, samples):
        self.trained, self.name, self.device, self.samples = trained, name, device, samples
        # Gradio calls `fit` and `show` in threads of their own, and what draws random numbers for a
        # clip puts the generators of the whole process back afterwards.
        self.lock = Lock()

    def free(self, known):
        return zero_shot(tuple(name for name in BASIC if name in known), self.device)

    def choices(self):
        """The emotions to show for the trained model: those it knows, and the basic ones."""
        known = self.trained.known
        return list(BASIC) if set(known) <= set(BASIC) else list(dict.fromkeys(known + BASIC))

    def switch(self, model):
        """Show the emotions of another model.

        Args:
            model (str): its name on the page.

        Returns:
            gr.CheckboxGroup: the known emotions, and whether they can be changed.
        """
        if model == FREE:
            known = [name for name in BASIC if name in self.trained.known]
            return gr.CheckboxGroup(
                choices=list(BASIC), value=known if len(known) > 1 else list(BASIC[:3]),
                interactive=True, info='Any two or more: this model is not trained on them.')
        return gr.CheckboxGroup(choices=self.choices(), value=list(self.trained.known),
                                interactive=False, info='Fixed by the training of this model.')

    def fit(self, model, known):
        """Fit the threshold to the chosen emotions, if it can be moved.

        Args:
            model (str): the name of the model on the page.
            known (Sequence[str]): the chosen emotions.

        Returns:
            gr.Slider: the slider of the threshold.
        """
        if model != FREE:
            return gr.Slider(0, 1, 0, visible=False)  # no number out of range is left behind
        try:
            with self.lock:
                threshold, low, high = zero_shot_threshold(self.free(known))
        except InputError:
            return gr.Slider(visible=False)  # `show` says why
        return gr.Slider(round(low - 0.5, 1), round(high + 0.5, 1), round(threshold, 2),
                         visible=True)

    def show(self, clip, model, known, threshold, window, find_face):
        if not clip:
            return problem('Choose one of the sample clips, or a video file of your own.')
        try:
            with self.lock:
                inferencer = self.free(known) if model == FREE else self.trained
                seen = look(inferencer, clip, window, find_face)
        except InputError as error:
            return problem(str(error))
        if model == FREE:
            seen['result'] = with_threshold(seen['result'], threshold)
            seen['windows'] = [with_threshold(w, threshold) for w in seen['windows']]
        return answer(seen)

    def pick(self, event: gr.SelectData):
        return str(list(self.samples.values())[event.index]), None  # the latter empties the upload

    def build(self, groups):
        """Lay out the page.

        Args:
            groups (GroupsTab): the second tab.

        Returns:
            gradio.Blocks: the page.
        """
        with gr.Blocks(title='Open-set expression recognition', analytics_enabled=False,
                       delete_cache=(600, 3600)) as blocks:
            gr.Markdown(ABOUT)
            with gr.Tab('One clip'):
                self.build_tab(blocks)
            with gr.Tab('Groups of unknown clips'):
                groups.build()
        return blocks

    def build_tab(self, blocks):
        """Lay out the tab of one clip.

        Args:
            blocks (gradio.Blocks): the page.
        """
        clip = gr.State(str(self.samples[FIRST]))
        with gr.Row():
            with gr.Column(scale=4, min_width=340):
                videos = {name: Video(str(path)) for name, path in self.samples.items()}
                gr.Markdown('**Sample clips**: drawn faces, with what was acted. The last '
                            f'joins {", ".join(JOINED)}.')
                samples = gr.Gallery(
                    [(video[2 * len(video) // 3], name) for name, video in videos.items()],
                    show_label=False, columns=4, allow_preview=False, object_fit='cover',
                    height='auto', buttons=[], interactive=False, container=False,
                    elem_id='samples', selected_index=list(self.samples).index(FIRST))
                upload = gr.File(label=f'Or a video of your own (up to {LONGEST} s, '
                                 f'{MOST_BYTES // 2 ** 20} MB)',
                                 height=150, elem_id='upload')
                find_face = gr.Checkbox(
                    False, label='Find and follow the face first',
                    info='Where the clip shows more than a face. '
                         'Samples are faces already.')
                model = gr.Radio([self.name, FREE], value=self.name, label='Model',
                                 elem_id='model')
                known = self.switch(self.name)
                known.label, known.elem_id = 'Known emotions', 'known'
                threshold = gr.Slider(
                    0, 1, 0, step=0.01, visible=False, label='Threshold', elem_id='threshold',
                    info='At first the score that 95 % of 40 training clips of each '
                         'known emotion reach.')
                window = gr.Slider(0.2, 5, 1, step=0.1, label='Window of the timeline (s)')
            with gr.Column(scale=7, min_width=480):
                result = gr.HTML(elem_id='answer')
        # always_last: of several changes while an answer is made, the last one counts
        quiet = dict(api_visibility='private', trigger_mode='always_last')
        show = dict(fn=self.show, inputs=[clip, model, known, threshold, window, find_face],
                    outputs=result, show_progress='minimal', **quiet)
        fit = dict(fn=self.fit, inputs=[model, known], outputs=threshold,
                   show_progress='hidden', **quiet)
        blocks.load(**show)
        samples.select(self.pick, None, [clip, upload], show_progress='hidden',
                       **quiet).then(**show)
        gr.on([upload.upload, upload.clear],
              lambda path: (path, gr.Gallery(selected_index=None)), upload, [clip, samples],
              show_progress='hidden', **quiet).then(**show)
        model.input(self.switch, model, known, show_progress='hidden',
                    **quiet).then(**fit).then(**show)
        known.input(**fit).then(**show)
        gr.on([threshold.input, window.input, find_face.input], **show)


def main():
    args = parse_args()
    options = launch_options(args)
    check_host(args.host)
    MMLogger.get_instance('demo', log_level='ERROR')
    return_memory_at_once()
    trained = HESPInferencer(args.config, args.checkpoint, args.device, amp=args.amp)
    name = 'HESP, embedded' if args.config is None else Path(args.config).stem
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # the folder goes then, too
    with tempfile.TemporaryDirectory() as folder:
        os.environ['GRADIO_TEMP_DIR'] = os.path.join(folder, 'uploads')  # gone when we end
        page = Page(trained, name, args.device, write_samples(folder))
        finder = GroupFinder(trained, read_train_features(args.checkpoint))
        page = page.build(GroupsTab(finder, page.lock, for_us_only(args), folder))
        try:
            with without_proxies():
                _, address, _ = page.launch(
                    **options, share=False, ssr_mode=False, quiet=True, prevent_thread_lock=True,
                    footer_links=[], css=CSS, theme=gr.themes.Default(
                        primary_hue='blue', font=['system-ui', 'sans-serif'],
                        font_mono=['monospace']).set(block_info_text_color='*neutral_500'))
        except OSError as error:
            raise InputError(f'no page on {args.host}, port {args.port or "7860 to 7959"}: taken '
                             'already? Choose another --port') from error
        warn_of_strangers(args)
        print(f'Open {address} in a browser; Ctrl+C ends the page.', flush=True)
        page.block_thread()


if __name__ == '__main__':
    run_tool(main)
