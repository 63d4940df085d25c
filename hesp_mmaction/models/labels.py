"""The labels of a batch, from its data samples to the device."""
import torch


def labels_of(data_samples, device):
    """Put the labels of a batch on a device, in one copy that is not waited for.

    Args:
        data_samples (list): B data samples with ``gt_label``, on the CPU or on the device.
        device (torch.device): of the features.

    Returns:
        Tensor: int (B,).
    """
    labels = torch.cat([sample.gt_label for sample in data_samples])
    return labels.to(device, non_blocking=True)
