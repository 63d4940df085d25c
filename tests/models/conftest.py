import pytest
import tiny
import torch


@pytest.fixture(scope='session')
def clips(tmp_path_factory):
    """dict(vit=..., resnet=...): arguments of two tiny CLIPs with weights on disk."""
    from hesp_mmaction.models.clip import load_clip
    folder = tmp_path_factory.mktemp('clips')
    found = tiny.write(folder)
    for name, arguments in found.items():
        torch.manual_seed(0)
        model = load_clip(**arguments)
        for parameter in model.parameters():  # norms and biases off their neutral values
            parameter.data += 0.02 * torch.randn_like(parameter)
        arguments['pretrained'] = str(folder / f'{name}.pt')
        torch.save(model.state_dict(), arguments['pretrained'])
    return found
