"""Lists the clips of a part of a data set with their labels, and finds what is wrong."""
import logging
import os
from collections import Counter

from mmengine.logging import print_log

from ..errors import InputError
from ..text import printable, some
from .clip_paths import locate
from .emotions import in_force
from .labelled_half import labelled_half
from .lists import read_list
from .official_lists import missing

OTHER = dict(train='test', test='train')


class ListedClips:
    """A half of ``OpenSetVideoDataset``: from official files or the user's lists to samples.

    It reads ``data_root``, ``lists``, ``id_order``, ``known``, ``part``, ``on_bad_clip``,
    ``labelled_half`` and ``ALL_CLASSES`` of the data set, and asks the other half,
    ``StoredClips``, which clips cannot be used.
    """

    def list_clips(self, part):
        """List the clips of a part, from the official files.

        Args:
            part (str): ``'train'`` or ``'test'``.

        Returns:
            tuple: list[ListedClip] and list[str], a message for every label that cannot be used.
        """
        raise NotImplementedError

    def passed_over(self, part):
        """List what lies among the clips of a part and is no clip.

        Args:
            part (str): ``'train'`` or ``'test'``.

        Returns:
            list[str]: paths.
        """
        return []

    def sample_id(self, path):
        """Name a clip in evaluations: by its printable path below ``data_root``.

        Args:
            path (str): the clip.

        Returns:
            str: the name.
        """
        relative = os.path.relpath(path, self.data_root)
        outside = relative.split(os.sep)[0] == os.pardir
        return printable((path if outside else relative).replace(os.sep, '/'))

    def every_clip(self, parts=tuple(OTHER)):
        """List all clips of parts, known or not.

        Args:
            parts (Sequence[str]): the parts. Defaults to both.

        Returns:
            dict[str, str]: sample id to path, sorted.
        """
        paths = {clip.path for part in parts for clip in self._listed(part)[0]}
        return {self.sample_id(path): path for path in sorted(paths)}

    def check_lists(self):
        """Reads the folders or lists of the part and opens no clip.

        Raises:
            FileNotFoundError: the data do not exist.
            InputError: some labels cannot be used.
        """
        if not os.path.isdir(self.data_root):
            raise missing(type(self).__name__, self.data_root, self.HOW_TO_GET)
        _, wrong = self._listed(self.part)
        if wrong:
            raise InputError(self._complaint())

    def load_data_list(self):
        """List the clips of the part, without bad ones, sorted by path.

        Returns:
            list[dict]: for each clip, ``filename``, ``label``, ``emotion`` and ``sample_id``.

        Raises:
            FileNotFoundError: there is no ``data_root``.
            InputError: labels or clips cannot be used, or a known emotion has none.
        """
        if not os.path.isdir(self.data_root):
            raise missing(type(self).__name__, self.data_root, self.HOW_TO_GET)
        clips, wrong, bad = self._survey(self.part)
        passed = self.passed_over(self.part) if self.lists is None else []
        if passed:
            print_log(f'{self._where(self.part)}: {len(passed)} passed over, neither videos nor '
                      f'folders of frames: {some(passed)}', 'current')
        if wrong or (bad and self.on_bad_clip == 'raise'):
            raise InputError(self._complaint())
        named = [f'{path} ({why})' for path, why in bad.items()]
        if bad and len(bad) == len(clips):
            raise InputError(f'{self._where(self.part)}: none of its {len(clips)} clips can be '
                             f'opened; check data_root and the lists: {some(named)}')
        if bad:
            print_log(f'{len(bad)} bad clips left out: {some(named)}', 'current', logging.WARNING)
        data_list = [self._data_info(clip) for clip in clips if clip.path not in bad]
        self._check_counts([info['emotion'] for info in data_list])
        return data_list

    def take_every_clip(self):
        """Make the data set hold all clips of its part that can be read, known or not.

        Returns:
            dict[str, str]: of each clip that cannot be read, its sample id and the reason.
        """
        clips = sorted(self._listed(self.part)[0])
        bad = self._bad(dict.fromkeys(clip.path for clip in clips))
        self.data_list = [self._data_info(clip) for clip in clips if clip.path not in bad]
        self.serialize_data, self._fully_initialized = False, True
        return {self.sample_id(path): why for path, why in bad.items()}

    def _found_classes(self):
        """The emotions that occur in both parts, in the vocabulary's order, compounds last."""
        found = set()
        for part in OTHER:
            try:
                found |= {clip.emotion for clip in self._listed(part)[0]}
            except FileNotFoundError:
                pass  # reported when the part is read
        order = in_force().order
        return tuple(n for n in order if n in found) + tuple(sorted(found - set(order)))

    def _where(self, part):
        return f'{type(self).__name__} part {part!r} in {self.data_root}'

    def _listed(self, part):
        """Clips and problems of a part, from the user's lists or the official ones."""
        if self.lists is None:
            return self.list_clips(part)
        path = os.path.join(self.data_root, self.lists[part])
        clips, problems = read_list(path, self.id_order)
        clips, lost = locate(clips, self.data_root, path)
        return clips, problems + lost

    def _used(self, part, clips):
        """Returns the clips that a part uses: in training the known ones only, or half of them."""
        used = sorted(c for c in clips if part == 'test' or c.emotion in self.known)
        if part == 'test' or self.labelled_half is None:
            return used
        ids = [self.sample_id(clip.path) for clip in used]
        chosen = labelled_half(ids, [clip.emotion for clip in used], self.labelled_half)
        return [clip for clip, name in zip(used, ids, strict=True) if name in chosen]

    def _survey(self, part):
        """Clips of a part, messages about its labels and duplicates, and path to reason of bad."""
        listed, wrong = self._listed(part)
        wrong = wrong[:20] + [f'and {len(wrong) - 20} more such lines'] * (len(wrong) > 20)
        foreign = [f'{clip.path} ({clip.emotion})' for clip in listed
                   if clip.emotion not in self.ALL_CLASSES]
        if foreign:
            wrong = [*wrong, f'{len(foreign)} clips of classes that {type(self).__name__} does '
                     f'not have: {some(foreign)}; set classes=found and its classes are those that '
                     'occur']
        clips = self._used(part, listed)
        counts = Counter(clip.path for clip in clips)
        twice = [path for path, count in counts.items() if count > 1]
        if twice:
            wrong = [*wrong, f'{len(twice)} clips listed twice: {some(twice)}']
        both = sorted(set(map(os.path.realpath, counts)) & self._places(OTHER[part]))
        if both:
            wrong = [*wrong, f'{len(both)} clips both in training and test: {some(both)}']
        return clips, wrong, self._bad(counts)

    def _places(self, part):
        """Returns the real paths of a part's clips (links followed); empty if it does not exist."""
        try:
            clips, _ = self._listed(part)
        except FileNotFoundError:
            return set()
        return {os.path.realpath(clip.path) for clip in self._used(part, clips)}

    def _complaint(self):
        """Returns all that is wrong with both parts in one message."""
        parts = []
        for part in OTHER:
            try:
                _, wrong, bad = self._survey(part)
            except FileNotFoundError as error:
                wrong, bad = [str(error)], {}
            if bad:
                remedy = ('' if self.on_bad_clip == 'skip' else
                          '; remove them or set on_bad_clip="skip"')
                named = [f'{path} ({why})' for path, why in bad.items()]
                wrong = [*wrong, f'{len(bad)} bad clips{remedy}: {some(named)}']
            if wrong:
                parts.append(f'{self._where(part)}: {"; ".join(wrong)}')
        return ' | '.join(parts)

    def _data_info(self, clip):
        label = self.known.index(clip.emotion) if clip.emotion in self.known else -1
        name = self.sample_id(clip.path)
        info = dict(filename=clip.path, label=label, emotion=clip.emotion, sample_id=name)
        entry = self._index['clips'][name] if self._index is not None else {}
        if 'frames' in entry:
            info['stored'] = self.cache, entry
        return info

    def _check_counts(self, emotions):
        where = self._where(self.part)
        names = self.known if self.part == 'train' else self.ALL_CLASSES
        counts = {name: emotions.count(name) for name in names}
        print_log(f'{where}: {len(emotions)} clips ('
                  + ', '.join(f'{n} {c}' for n, c in counts.items()) + ')' + self._where_frames(),
                  'current')
        empty = [name for name in self.known if not counts[name]]
        unknown = [name for name in self.ALL_CLASSES if name not in self.known]
        if self.part == 'test' and unknown and not any(counts[name] for name in unknown):
            empty.append('any unknown class')
        if empty:
            raise InputError(f'{where} has no clips of {", ".join(empty)}; '
                             'add them or choose other known classes')
