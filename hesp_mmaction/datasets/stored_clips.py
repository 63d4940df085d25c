"""Where a data set takes its clips from: their files, a store of frames or a store of features."""
import os
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cached_property

import numpy as np
import torch

from . import feature_store
from .decoding import BrokenClip
from .frame_files import JPEG, QUALITY
from .frame_index import read_index
from .frame_store import check_pipeline, check_sources
from .integrity import undecodable, unreadable


class StoredClips:
    """A half of ``OpenSetVideoDataset``: which clips can be used, and what a store has of
    them."""

    def open_stores(self, cache, features, views, pipeline):
        """Set where clips are taken from. Must be called first.

        Args:
            cache (str | None): see ``OpenSetVideoDataset``.
            features (str | None): see ``OpenSetVideoDataset``.
            views (int | None): see ``OpenSetVideoDataset``.
            pipeline (list[dict]): transforms, with which a store of frames must agree.

        Raises:
            InputError: ``features`` is no complete store.
        """
        self.cache = cache and os.path.abspath(os.path.expanduser(cache))
        self._steps = pipeline
        self.features, self.views, self.feature_index = features, views, None
        if features is not None:
            self.features = os.path.abspath(os.path.expanduser(features))
            self.feature_index = feature_store.read_index(self.features)
            self.views = self.feature_index['views']
        self._packed = {}  # stored features: index to what _pack returns
        self._reasons = {}  # of clips that were decoded whole, in this process

    @cached_property
    def _index(self):
        """The index of the store of frames (see ``frame_index.read_index``), or None."""
        if self.cache is None:
            return None
        index = read_index(self.cache)
        check_pipeline(self.cache, index, self._steps)
        return index

    def _bad(self, paths):
        """Path to reason of those clips that cannot be used."""
        names = {self.sample_id(path): path for path in paths}
        if self.feature_index is not None:
            feature_store.check_clips(self.features, self.feature_index, names)
            reasons = [self.feature_index['bad'].get(name) for name in names]
        elif self._index is not None:
            check_sources(self.cache, self._index, names)
            entries = [self._index['clips'][name] for name in names]
            reasons = [unreadable(path) if entry.get('again') else entry.get('bad')
                       for path, entry in zip(paths, entries, strict=True)]
        else:
            with ThreadPoolExecutor(4) as pool:
                reasons = list(pool.map(unreadable, paths))
        return {path: why for path, why in zip(paths, reasons, strict=True) if why}

    def _where_frames(self):
        """Of the log: where frames come from, what was done to them, and what is done later."""
        where = f'; {", ".join(self.deferred)} on the device' if self.deferred else ''
        if self._index is None:
            return where
        loss = {JPEG: f' (JPEG, quality {QUALITY}: pixels differ by one to three of 255)'}
        return f'; frames from {self.cache}{loss.get(self._index["kind"], "")}{where}'

    def _whole(self, path):
        """Raises BrokenClip if a video cannot be decoded to its end; looks once per process."""
        if path not in self._reasons:
            if self._index is not None:
                why = self._index['clips'][self.sample_id(path)].get('broken')
            else:
                why = None if os.path.isdir(path) else undecodable(path)
            self._reasons[path] = why
        if self._reasons[path]:
            raise BrokenClip(self._reasons[path])

    def _stored_features(self, idx, epoch):
        """A sample whose ``inputs`` are features (T, C)."""
        sample_id, sample = self._sample(idx)
        role = 'plain' if self.test_mode else f'view{epoch}'
        row = self.feature_index['rows'][role][sample_id]
        feature = feature_store.open_rows(self.features)[row].copy()
        return dict(inputs=torch.from_numpy(feature), data_samples=sample)

    def _sample(self, idx):
        """Returns the sample id and a new data sample, without a clip."""
        if self.test_mode:
            return self._pack(idx)
        if idx not in self._packed:  # packing is as slow as all else
            self._packed[idx] = self._pack(idx)
        sample_id, sample = self._packed[idx]
        return sample_id, copy(sample)  # for a head may change the label

    def _pack(self, idx):
        info = dict(self.get_data_info(idx), imgs=np.empty(0), img_shape=None)
        return info['sample_id'], self.pipeline.transforms[-1](info)['data_samples']
