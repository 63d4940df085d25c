"""Former-DFER's frame encoder."""
import pytest
import torch
from leaves import build, same_after_loading, step
from torchvision.models import resnet18

from hesp_mmaction.errors import InputError
from hesp_mmaction.models.backbones import SpatialFormer


def test_without_blocks_it_is_a_resnet_18():
    """Blocks that add nothing, positions of zero: torchvision's network up to its classifier."""
    torch.manual_seed(0)
    former = SpatialFormer(64).double().eval()
    resnet = resnet18().double().eval()
    resnet.fc = torch.nn.Identity()
    stages = ('conv1', 'bn1', 'relu', 'maxpool', 'layer1', 'layer2', 'layer3')
    for i, stage in enumerate(stages):
        getattr(resnet, stage).load_state_dict(former.stem[i].state_dict())
    resnet.layer4.load_state_dict(former.last.state_dict())
    frames = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        assert not torch.allclose(former(frames), resnet(frames))
        former.positions.zero_()
        for layer in (former.blocks[0].out, former.blocks[0].mlp[-1]):
            layer.weight.zero_()
            layer.bias.zero_()
        torch.testing.assert_close(former(frames), resnet(frames))


def test_the_blocks_see_positions_and_all_places():
    """Gradients reach every place of the third stage from one place behind the blocks."""
    torch.manual_seed(0)
    former = SpatialFormer(64).double().eval()
    tokens = torch.randn(1, 16, 256, dtype=torch.float64, requires_grad=True)
    passed = former.blocks(tokens + former.positions)
    passed[0, 0].sum().backward()
    assert (tokens.grad.abs().sum(2) > 0).all()
    moved = former.blocks((tokens + former.positions)[:, torch.randperm(16)])
    assert not torch.allclose(moved[:, 0], passed[:, 0])


def test_another_size_is_refused():
    with pytest.raises(InputError, match='96 x 96: set image_size'):
        SpatialFormer(64)(torch.zeros(1, 3, 96, 96))


def test_the_leaf():
    name = 'former_dfer_afew_o34.py'
    model, cfg = build(name, image_size=32, num_frames=4)
    assert cfg.model.backbone.image_size == 32 and len(model.neck.blocks) == 3
    _, trained = step(model, 32, frames=4)
    assert {key.split('.')[0] for key in trained} == {'backbone', 'neck', 'cls_head'}
    same_after_loading(model, name, 32, frames=4, image_size=32, num_frames=4)
