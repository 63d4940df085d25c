"""Predict on any video: the emotion of a clip, or ``unknown``."""
import logging
import os
from itertools import islice

import torch
from mmaction.registry import INFERENCERS
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.logging import print_log
from tqdm import tqdm

from ..datasets.decoding import BrokenClip
from ..datasets.faces import DETECTORS, load_detector
from ..datasets.seeding import seeded_rng, stable_seed
from ..datasets.wrappers import pipeline_of
from ..engine.hooks.common import set_precision
from ..errors import InputError
from ..models.hesp_zoo import CONFIG, WEIGHTS
from ..visualization.annotate import annotate, score_limits
from ..visualization.video_writer import write_video
from .clip_sources import NO_FACE, find_clips
from .configs import find_config
from .predictions import free_name, result_of
from .trained import load_trained


@INFERENCERS.register_module()
class HESPInferencer(BaseInferencer):
    """Predicts on videos, folders, arrays and webcams with any open-set config of this package.

    Without ``config`` it uses the HESP embedded in this package, which was trained on drawn faces.

    Args:
        config (str | Config, optional): the path or name of a config, see ``find_config``, or a
            config object. Defaults to None: the embedded model.
        checkpoint (str, optional): the weights, ``.pth`` or ``.safetensors``. A model that is not
            trained (zero-shot CLIP) needs none. The known emotions, the threshold and the
            temperature are those of the checkpoint, even if the config names other emotions.
            Defaults to None.
        device (str, optional): ``'cuda'`` or ``'cpu'``. Defaults to None: a GPU if the machine has
            one.
        face (str, optional): the name of a face detector in ``DETECTORS``. The main face of each
            clip is then found, followed and cut out upright. Needed if the model was trained on
            such faces and the clip shows more than a face. Defaults to None: frames stay as they
            are.
        known (Sequence[str], optional): the known emotions, in order. A checkpoint with other known
            emotions is refused. Defaults to None.
        cfg_options (dict, optional): changes to the config, as ``--cfg-options`` takes them.
            Defaults to None.
        show_progress (bool): show a progress bar. Defaults to False.
        amp (bool): mixed precision, see ``set_precision``. Defaults to False.

    Raises:
        InputError: a checkpoint is needed and missing, or it does not fit the config.

    Examples:
        >>> inferencer = HESPInferencer()  # the embedded model
        >>> inferencer('my.mp4')['predictions'][0]['emotion']
    """
    preprocess_kwargs = {'batch_size', 'window', 'stride'}
    visualize_kwargs = {'out_dir', 'video'}

    def __init__(self, config=None, checkpoint=None, device=None, face=None, known=None,
                 cfg_options=None, show_progress=False, amp=False):
        if config is None:
            if checkpoint is not None:
                raise InputError(f'name the config of {checkpoint}: there is a copy in the folder '
                                 'it was trained into')
            config, checkpoint = CONFIG, WEIGHTS
        cfg = Config(config.to_dict()) if isinstance(config, Config) else Config.fromfile(
            find_config(str(config)))
        if face is not None and face not in DETECTORS:
            raise InputError(f'face={face!r}: it must be None or one of {", ".join(DETECTORS)}')
        self.face = face and load_detector(face)
        device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
        self.model = load_trained(cfg, checkpoint, cfg_options, known, device)
        if amp:
            cfg.setdefault('precision', {})['amp'] = True
        super().__init__(cfg, None, device, 'mmaction', show_progress)
        self.known = self.model.cls_head.known

    def _init_model(self, cfg, weights, device):
        set_precision(self.model, **dict(cfg.get('precision', {}), compile=False))  # few batches
        return self.model

    def _init_pipeline(self, cfg):
        return Compose(pipeline_of(cfg.test_dataloader.dataset))

    def _init_collate(self, cfg):
        return pseudo_collate

    def _init_visualizer(self, cfg):
        return None  # ``hesp_mmaction.visualization.annotate`` draws

    def __call__(self, inputs, window=None, stride=None, batch_size=8, fps=25.0, seconds=5.0,
                 out_dir=None, video=None):
        """Predict on every input.

        Args:
            inputs (str | Path | np.ndarray | int | list): see ``find_clips``.
            window (float, optional): seconds of a window that slides over each clip. Defaults to
                None: each clip is judged as a whole.
            stride (float, optional): seconds from one window to the next. Defaults to None: half a
                window.
            batch_size (int): windows per forward pass. Defaults to 8.
            fps (float): frames per second of inputs that have no rate of their own. Defaults to 25.
            seconds (float): how long a webcam films. Defaults to 5.
            out_dir (str, optional): a folder for an annotated video of each clip. Defaults to None.
            video (str, optional): the path of the annotated video of a single clip. Defaults to
                None.

        Returns:
            dict: ``predictions``, a list with a dict per window, in order
            (``hesp_mmaction.apis.predictions`` explains its keys); and ``visualization``, the paths
            of the annotated videos.

        Raises:
            InputError: the inputs cannot be used, see ``find_clips`` and ``spans``.
        """
        clips = find_clips(inputs, fps, seconds)
        if video is not None and len(clips) != 1:
            raise InputError(f'video is for a single clip and there are {len(clips)}: give out_dir')
        preds = list(self.predict(clips, window, stride, batch_size))
        return self.postprocess(preds, self.visualize(clips, preds, out_dir=out_dir,
                                                       video=video))

    def predict(self, clips, window=None, stride=None, batch_size=8):
        """Predict on clips, and yield each result as soon as it is known.

        Args:
            clips (list[OpenedClip]): the result of ``find_clips``.
            window (float, optional): see ``__call__``.
            stride (float, optional): see ``__call__``.
            batch_size (int): windows per forward pass. Defaults to 8.

        Yields:
            dict: the result of a window, see ``hesp_mmaction.apis.predictions``.
        """
        with tqdm(total=len(clips), unit='clip', disable=not self.show_progress) as bar:
            for batch in self.preprocess(clips, batch_size, window, stride, bar.update):
                yield from self.forward(batch)

    def preprocess(self, inputs, batch_size=8, window=None, stride=None, done=lambda: None):
        """Prepare batches of windows.

        Args:
            inputs (list[OpenedClip]): the clips.
            batch_size (int): the most windows of a batch. Defaults to 8.
            window (float, optional): see ``__call__``.
            stride (float, optional): see ``__call__``.
            done (Callable): called without arguments when a clip is finished. Defaults to a
                function that does nothing.

        Yields:
            list[tuple[dict, dict | None]]: for each window a result with its place, and the data
            for the model. If the window cannot be used, the result has ``error`` and the data are
            None.
        """
        batch = []
        for clip in inputs:
            clip.windows = 0
            for item in self._windows(clip, window, stride):
                batch.append(item)
                clip.windows += 1
                if sum(data is not None for _, data in batch) == batch_size:
                    yield batch
                    batch = []
            clip.close()
            done()
        yield batch

    def _windows(self, clip, window, stride):
        clip.check()
        if clip.problem is None and self.face is not None:
            clip.follow_face(self.face)
        if clip.problem is not None:
            yield dict(file=clip.name, error=clip.problem), None
            return
        fps, times, frames = clip.fps, clip.times.tolist(), clip.seen()
        for start, stop in clip.spans(window, stride):
            result = dict(file=clip.name, start=times[start], end=times[stop])
            if self.face is not None:
                result['face'] = clip.face(start, stop)
                if result['face'] is None:
                    yield dict(result, error=NO_FACE), None
                    continue
            info = dict(filename=clip.name, sample_id=clip.name, label=-1, emotion='unknown',
                        frames=frames, start_index=start, total_frames=stop - start, avg_fps=fps,
                        modality='RGB')
            try:
                with seeded_rng(stable_seed(0, 0, clip.name)):
                    yield result, self.pipeline(info)
            except BrokenClip as error:
                yield dict(file=clip.name, error=str(error)), None

    @torch.no_grad()
    def forward(self, inputs):
        """Run the model on a batch.

        Args:
            inputs (list[tuple[dict, dict | None]]): a batch of ``preprocess``.

        Returns:
            list[dict]: the results of the windows, see ``hesp_mmaction.apis.predictions``.
        """
        data = [data for _, data in inputs if data is not None]
        samples = iter(self.model.test_step(self.collate_fn(data)) if data else ())
        return [result if data is None else result_of(self.model.cls_head, result, next(samples))
                for result, data in inputs]

    def visualize(self, inputs, preds, show=False, out_dir=None, video=None):
        """Write the annotated videos. A video that cannot be written is named in the log.

        Args:
            inputs (list[OpenedClip]): the clips.
            preds (list[dict]): the results of ``predict`` for exactly these clips.
            show (bool): has no effect.
            out_dir (str, optional): see ``__call__``.
            video (str, optional): see ``__call__``.

        Returns:
            list[str]: the paths of the videos.
        """
        limits, paths, names = score_limits(preds), [], set()
        rest = iter(preds)
        for clip in inputs if out_dir or video else ():
            results = [r for r in islice(rest, clip.windows) if 'error' not in r]
            wanted = [video]
            if out_dir:
                wanted.append(os.path.join(out_dir, free_name(clip.name, names) + '.mp4'))
            for path in filter(None, wanted if results else ()):
                try:
                    frames = annotate(clip.frames, results, clip.times, limits, clip.to_crop)
                    write_video(path, frames, clip.times)
                except (InputError, BrokenClip) as error:
                    print_log(f'no annotated video of {clip.name}: {error}', 'current',
                              logging.WARNING)
                else:
                    paths.append(path)
            clip.close()
        return paths

    def postprocess(self, preds, visualization, return_datasamples=False):
        return dict(predictions=preds, visualization=visualization)
