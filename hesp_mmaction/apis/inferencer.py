"""Predict on anything: the emotion of a clip, or ``unknown``."""
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

    >>> inferencer = HESPInferencer()  # the embedded model
    >>> inferencer('my.mp4')['predictions'][0]['emotion']

    Without ``config`` it is the HESP embedded in this package, which was trained on drawn faces.

    Args:
        config (str | Config, optional): path or name of a config, see :func:`find_config`, or one
            that was read.
        checkpoint (str, optional): its weights, ``.pth`` or ``.safetensors``; not needed for a
            model that is not trained (zero-shot CLIP). Its known emotions, its threshold and its
            temperature are used, whatever emotions the config knows.
        device (str, optional): defaults to ``'cuda'`` where there is one, else ``'cpu'``.
        face (str, optional): a name of :data:`DETECTORS`; the main face is then found, followed
            and aligned first. Needed where the model was trained on such faces and the clip shows
            more than a face.
        known (Sequence[str], optional): the known emotions, in order; a checkpoint of others is
            refused.
        cfg_options (dict, optional): changes to the config, as of ``--cfg-options``.
        show_progress (bool): a bar of clips. Defaults to False.
        amp (bool): mixed precision, see :func:`set_precision`. Defaults to False.

    Raises:
        InputError: the config needs a checkpoint, or they do not belong together.
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
            raise InputError(f'face={face!r}: None or one of {", ".join(DETECTORS)}')
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
        return None  # :mod:`hesp_mmaction.visualization.annotate` draws

    def __call__(self, inputs, window=None, stride=None, batch_size=8, fps=25.0, seconds=5.0,
                 out_dir=None, video=None):
        """Predict on everything handed in.

        Args:
            inputs: see :func:`find_clips`.
            window (float, optional): seconds of a window that slides over each clip; None = the
                clip is judged as a whole.
            stride (float, optional): seconds from one window to the next. Defaults to half a
                window.
            batch_size (int): windows at a time.
            fps (float): of frames that have no rate of their own.
            seconds (float): of a webcam.
            out_dir (str, optional): folder for an annotated video of each clip.
            video (str, optional): path of the annotated video of a single clip.

        Returns:
            dict: ``predictions``, a list of dicts, one per window in order, and
            ``visualization``, the paths of the annotated videos. A prediction has ``file``;
            ``start`` and ``end`` (seconds); ``emotion``, a known name or ``'unknown'``;
            ``best_known``, the most likely known one; ``score``, bigger is more known;
            ``threshold`` (None if there is none); ``probabilities`` of the known emotions, the
            model's, as in a test's dump and an exported model; ``calibrated``, the same at the
            temperature of :func:`fit_temperature`, or None, see :meth:`OpenSetHead.calibrated`;
            ``region``, [top, left, size] of the visual prompt in the square of ``image_size``
            pixels that the model sees, or None (a border is no such square); ``face``,
            [x, y, width, height] in the frame, or None where no face was looked for. Instead, a
            clip that cannot be used has ``error``, a text, and so has a window without a face or
            for which the model gives values that are not finite.
        """
        clips = find_clips(inputs, fps, seconds)
        if video is not None and len(clips) != 1:
            raise InputError(f'video is for a single clip and there are {len(clips)}: give out_dir')
        preds = list(self.predict(clips, window, stride, batch_size))
        return self.postprocess(preds, self.visualize(clips, preds, out_dir=out_dir,
                                                       video=video))

    def predict(self, clips, window=None, stride=None, batch_size=8):
        """Results one after the other, as soon as they are known.

        Args:
            clips (list[OpenedClip]): of :func:`find_clips`.
            window (float, optional): see :meth:`__call__`.
            stride (float, optional): see :meth:`__call__`.
            batch_size (int): windows at a time.

        Yields:
            dict: a prediction, see :meth:`__call__`.
        """
        with tqdm(total=len(clips), unit='clip', disable=not self.show_progress) as bar:
            for batch in self.preprocess(clips, batch_size, window, stride, bar.update):
                yield from self.forward(batch)

    def preprocess(self, inputs, batch_size=8, window=None, stride=None, done=lambda: None):
        """Batches of at most ``batch_size`` windows of clips: lists of (result, data or None).

        The result says where the window is, or has an ``error`` and no data. ``done`` is called
        after each clip.
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
        """A batch of :meth:`preprocess` to its list of results."""
        data = [data for _, data in inputs if data is not None]
        samples = iter(self.model.test_step(self.collate_fn(data)) if data else ())
        return [result if data is None else result_of(self.model.cls_head, result, next(samples))
                for result, data in inputs]

    def visualize(self, inputs, preds, show=False, out_dir=None, video=None):
        """Write the annotated videos that are asked for; one that fails is logged, not raised.

        Args:
            inputs (list[OpenedClip]): the clips.
            preds (list[dict]): what :meth:`predict` returned for exactly these.
            show (bool): of no effect.
            out_dir (str, optional): see :meth:`__call__`.
            video (str, optional): see :meth:`__call__`.

        Returns:
            list[str]: paths of the videos.
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
