"""From the lists of a batch to tensors on the device."""
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseDataPreprocessor

from ...datasets.deferred import join
from ..resample import resample


@MODELS.register_module()
class ClipPreprocessor(BaseDataPreprocessor):
    """Stacks the clips of a batch as float32; the recognizer normalises them itself.

    MMAction2's own preprocessor also pads clips to one size, which they have, and copies every data
    sample even if all is on the CPU. With stored features that takes a good part of a step. Here,
    copies to a GPU do not wait for each other, and data samples stay on the CPU: the head takes
    their labels over in one copy, and the evaluation reads them. Crop, resize and flip that
    ``DeferredTransforms`` has drawn are done here.
    """

    def __init__(self):
        super().__init__(non_blocking=True)

    def forward(self, data, training=False):
        """Bring a batch to the device.

        Args:
            data (dict): of a loader: ``inputs``, B clips or features of one shape, and
                ``data_samples``. With ``rows`` and ``columns`` the clips are frames of any size, of
                which the pixels at these places are taken.
            training (bool): not used. Defaults to False.

        Returns:
            dict: ``inputs`` (B, ...) float32 on the device, and ``data_samples`` as they are.
        """
        deferred = 'rows' in data
        if self.device.type != 'cpu':
            samples = data['data_samples']
            data = self.cast_data(dict(data, data_samples=())) | dict(data_samples=samples)
        if deferred and not isinstance(data['inputs'], torch.Tensor):
            data = join(data)  # in portions, or from a loader with another collate function
        if deferred:
            inputs = resample(data['inputs'], data['rows'], data['columns'])
        else:
            inputs = torch.stack(list(data['inputs'])).float()
        return dict(inputs=inputs, data_samples=data['data_samples'])
