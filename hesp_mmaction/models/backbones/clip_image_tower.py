"""CLIP's image tower (ViT or ResNet form) as an MMAction2 backbone."""
import torch
from mmaction.registry import MODELS
from open_clip.modified_resnet import ModifiedResNet
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from ...errors import InputError
from ..attention import run_block
from ..clip import digest, load_clip, pixel_statistics
from ..frozen import FrozenTower
from .activation_map import class_activation_map
from .faster_layers import PatchConv, fold_batch_norm
from .supported_towers import not_computed

RECOMPUTED = 8  # images whose blocks are computed again at once on CPUs


def recomputed(blocks, x):
    """Blocks of a ViT, of which only the inputs are kept for the backward pass."""
    for block in blocks:
        x = checkpoint(run_block, block, x, use_reentrant=False)
    return x


@MODELS.register_module()
class CLIPImageTower(FrozenTower):
    """Frames (N, 3, S, S), normalised by CLIP's mean and deviation, to features (N, D).

    The features are not normalised to length one (DESIGN: the video feature is their mean).

    Args:
        arch (str), pretrained (str, optional), quick_gelu (bool, optional): see
            :func:`hesp_mmaction.models.clip.load_clip`.
        frozen (bool): keep the tower as it is: no gradients, eval mode, absent from checkpoints.
        dense (bool): a pair instead, the features and those of every place (N, D, h, w): patch
            tokens of the ViT, and the values of the attention pooling of the ResNet form (as
            MaskCLIP, ECCV 2022).
        recompute (bool): keep only the input of each block of a ViT for the backward pass and
            compute the rest again there, on CPUs a few images at a time: less memory for more
            time.
    """

    def __init__(self, arch, pretrained=None, quick_gelu=None, frozen=True, dense=False,
                 recompute=False):
        super().__init__(frozen)
        self.dense, self.recompute = dense, recompute
        self.arch, self.pretrained = arch, pretrained
        self.visual = load_clip(arch, pretrained, quick_gelu).visual
        wrong = not_computed(self.visual, frozen, dense)
        if wrong:
            raise InputError(f'the image tower of {arch!r} {wrong}, which is not computed here: '
                             'choose another clip.arch')
        self.pixel_mean, self.pixel_std = pixel_statistics(arch, pretrained)
        size = self.visual.image_size
        self.image_size = size if isinstance(size, int) else size[0]
        self.out_channels = self.visual.output_dim
        if isinstance(self.visual, ModifiedResNet):
            if frozen:
                fold_batch_norm(self.visual)
            self.visual.to(memory_format=torch.channels_last)  # half the time on CPUs
        else:
            self.visual.conv1 = PatchConv.of(self.visual.conv1)
        self.freeze_if_asked()

    def init_weights(self):
        """The weights are loaded at construction."""

    def weights_digest(self):
        """What tells this tower's architecture and weights from others, see :func:`.clip.digest`;
        None for random weights."""
        return digest(self.arch, self.pretrained)

    def check_size(self, x):
        """Frames (..., S, S) of another size than the tower's cannot be encoded."""
        if x.shape[-1] != self.image_size or x.shape[-2] != self.image_size:
            raise InputError(f'CLIP takes frames of {self.image_size} x {self.image_size} pixels, '
                             f'not {x.shape[-2]} x {x.shape[-1]}: set image_size in the config')

    def forward(self, x):
        self.check_size(x)
        if not isinstance(self.visual, ModifiedResNet):
            return self._vit_places(x) if self.dense else self._vit_feature(x)
        x = x.contiguous(memory_format=torch.channels_last)
        return self._resnet_places(x) if self.dense else self.visual(x)

    def resnet_maps(self, x):
        """Frames (N, 3, S, S) to the last maps of the ResNet form (N, C, h, w)."""
        tower = self.visual
        return tower.layer4(tower.layer3(tower.layer2(tower.layer1(tower.stem(x)))))

    def project(self, x):
        """The ViT's tokens (..., C), normalised, to the space of the texts (..., D)."""
        return x if self.visual.proj is None else x @ self.visual.proj

    def _resnet_places(self, x):
        maps, pool = self.resnet_maps(x), self.visual.attnpool
        places = pool.c_proj(pool.v_proj(maps.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return pool(maps), places

    def run_blocks(self, blocks, x):
        """Blocks of the ViT one after the other."""
        if self.recompute and torch.is_grad_enabled():
            # Some images after the others: what is computed again at a time is small, too. GPUs
            # take all at once: parts would leave most of them idle.
            at_once = RECOMPUTED if x.device.type == 'cpu' else max(1, len(x))
            return torch.cat([recomputed(blocks, part) for part in x.split(at_once)])
        for block in blocks:
            x = run_block(block, x)
        return x

    def _vit_feature(self, x):
        """What ``self.visual`` gives, at less cost."""
        *blocks, last = self.visual.transformer.resblocks
        return self._pooled(last, self.run_blocks(blocks, self.visual._embeds(x)))

    def _pooled(self, last, x, norm=None):
        """Tokens before the last block to features; it is run for the class token if that is all
        that is pooled."""
        tower = self.visual
        if tower.pool_type == 'tok' and tower.attn_pool is None:
            return self.project(tower.ln_post(run_block(last, x, first=1, norm=norm)[:, 0]))
        return self.project(tower._pool(run_block(last, x, norm=norm))[0])

    def _vit_places(self, x):
        tower = self.visual
        x = self.run_blocks(tower.transformer.resblocks, tower._embeds(x))
        places = self.project(tower.ln_post(x)[:, 1:]).transpose(1, 2).unflatten(2, tower.grid_size)
        return self.project(tower._pool(x)[0]), places

    def activation_map(self, frames, text):
        """Where the tower sees what the texts say: the activation map of the best text's cosine.

        The map is taken at the last stage that is still a grid of useful size: stride 16 of the
        ResNet form, the patch tokens of the ViT as its last block reads them, behind its LayerNorm.
        (Before it, gradient times token is zero but for the norm's epsilon, since the length of a
        token changes nothing: the map would be a 1e-5 of its terms, and rounding decide windows.
        Similarity of patch tokens to the text needs no gradient but is known to light up the
        background in CLIP.)

        Args:
            frames (Tensor): (N, 3, S, S), normalised. text (Tensor): (K, D).

        Returns:
            Tensor: (N, h, w), not negative.
        """
        self.check_size(frames)
        return self.replayed(self._activation_map, (frames, text))(frames, text)

    def _activation_map(self, frames, text):
        with torch.enable_grad():
            if isinstance(self.visual, ModifiedResNet):
                grid, feature = self._resnet_stages(frames)
            else:
                grid, feature = self._vit_stages(frames)
            cosines = normalize(feature, dim=-1) @ normalize(text.detach(), dim=-1).T
            return class_activation_map(grid, cosines.max(1).values.sum())

    def _resnet_stages(self, x):
        tower = self.visual
        with torch.no_grad():
            x = tower.layer3(tower.layer2(tower.layer1(tower.stem(x))))
        grid = x.requires_grad_()
        return grid, tower.attnpool(tower.layer4(grid))

    def _vit_stages(self, x):
        *blocks, last = self.visual.transformer.resblocks
        with torch.no_grad():
            x = self.run_blocks(blocks, self.visual._embeds(x))
            norm = last.ln_1(x)
        patches = norm[:, 1:].transpose(1, 2).unflatten(2, self.visual.grid_size)
        grid = patches.clone().requires_grad_()
        norm = torch.cat([norm[:, :1], grid.flatten(2).transpose(1, 2)], 1)
        return grid, self._pooled(last, x, norm)
