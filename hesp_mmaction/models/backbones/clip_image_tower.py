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

RECOMPUTED = 8  # on CPUs the blocks of this many images are computed again at a time


def recomputed(blocks, x):
    """Run blocks of a ViT and keep only their inputs for the backward pass.

    Args:
        blocks (Sequence[nn.Module]): of open_clip.
        x (Tensor): tokens (N, L, C).

    Returns:
        Tensor: (N, L, C).
    """
    for block in blocks:
        x = checkpoint(run_block, block, x, use_reentrant=False)
    return x


@MODELS.register_module()
class CLIPImageTower(FrozenTower):
    """CLIP's image tower: normalised frames to features.

    The features are not normalised to length one, because the video feature is their mean.

    Args:
        arch (str): see ``hesp_mmaction.models.clip.load_clip``.
        pretrained (str, optional): see ``hesp_mmaction.models.clip.load_clip``. Defaults to None.
        quick_gelu (bool, optional): see ``hesp_mmaction.models.clip.load_clip``. Defaults to None.
        frozen (bool): keep the tower as it is: no gradients, eval mode, absent from checkpoints.
            Defaults to True.
        dense (bool): also return a feature for every position in a frame. In a ViT these are the
            patch tokens. In the ResNet form they are the values of the attention pooling (as in
            MaskCLIP, ECCV 2022). Defaults to False.
        recompute (bool): of each block of a ViT, keep only the input, and compute the rest again
            in the backward pass (on CPUs, for a few images at a time). This takes less memory and
            more time. Defaults to False.

    Attributes:
        out_channels (int): D, width of the features.
        image_size (int): S, side of the frames in pixels.
        pixel_mean (tuple[float]): mean of the pixels that the weights were trained with, 0 to 255.
        pixel_std (tuple[float]): standard deviation of these pixels.

    Raises:
        InputError: the tower has parts that are not computed here, see ``not_computed``.
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
            self.visual.to(memory_format=torch.channels_last)  # takes half the time on CPUs
        else:
            self.visual.conv1 = PatchConv.of(self.visual.conv1)
        self.freeze_if_asked()

    def init_weights(self):
        """Does nothing, because the weights are loaded at construction."""

    def weights_digest(self):
        """A digest of the tower's architecture and weights, see ``clip.digest``.

        Returns:
            str | None: None for random weights.
        """
        return digest(self.arch, self.pretrained)

    def check_size(self, x):
        """Check that frames have the size of the tower.

        Args:
            x (Tensor): (..., S, S).

        Raises:
            InputError: they have another size.
        """
        if x.shape[-1] != self.image_size or x.shape[-2] != self.image_size:
            raise InputError(f'CLIP takes frames of {self.image_size} x {self.image_size} pixels, '
                             f'not {x.shape[-2]} x {x.shape[-1]}: set image_size in the config')

    def forward(self, x):
        """Compute the features of frames.

        Args:
            x (Tensor): (N, 3, S, S), normalised by ``pixel_mean`` and ``pixel_std``.

        Returns:
            Tensor | tuple[Tensor, Tensor]: features (N, D); with ``dense`` also those of every
            place (N, D, h, w).

        Raises:
            InputError: frames have another size than the tower's.
        """
        self.check_size(x)
        if not isinstance(self.visual, ModifiedResNet):
            return self._vit_places(x) if self.dense else self._vit_feature(x)
        x = x.contiguous(memory_format=torch.channels_last)
        return self._resnet_places(x) if self.dense else self.visual(x)

    def resnet_maps(self, x):
        """The last maps of the ResNet form.

        Args:
            x (Tensor): frames (N, 3, S, S), normalised.

        Returns:
            Tensor: (N, C, h, w).
        """
        tower = self.visual
        return tower.layer4(tower.layer3(tower.layer2(tower.layer1(tower.stem(x)))))

    def project(self, x):
        """Bring the ViT's tokens to the space of the texts.

        Args:
            x (Tensor): (..., C), after the last norm.

        Returns:
            Tensor: (..., D).
        """
        return x if self.visual.proj is None else x @ self.visual.proj

    def _resnet_places(self, x):
        maps, pool = self.resnet_maps(x), self.visual.attnpool
        places = pool.c_proj(pool.v_proj(maps.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return pool(maps), places

    def run_blocks(self, blocks, x):
        """Run blocks of the ViT one after the other.

        Args:
            blocks (Sequence[nn.Module]): of open_clip.
            x (Tensor): tokens (N, L, C).

        Returns:
            Tensor: (N, L, C).
        """
        if self.recompute and torch.is_grad_enabled():
            # CPUs take a few images at a time, which needs little memory. GPUs take all of them,
            # because a few images would leave most of a GPU idle.
            at_once = RECOMPUTED if x.device.type == 'cpu' else max(1, len(x))
            return torch.cat([recomputed(blocks, part) for part in x.split(at_once)])
        for block in blocks:
            x = run_block(block, x)
        return x

    def _vit_feature(self, x):
        """The feature that ``self.visual`` returns, at less cost."""
        *blocks, last = self.visual.transformer.resblocks
        return self._pooled(last, self.run_blocks(blocks, self.visual._embeds(x)))

    def _pooled(self, last, x, norm=None):
        """Tokens before the last block to features; the block is run for the class token alone if
        nothing else is pooled.
        """
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
        """Where the tower sees what the texts say: the activation map of the largest cosine.

        The map is taken at the last stage that is still a grid of useful size. In the ResNet form
        that is stride 16, in the ViT it is the input of the last block after its first LayerNorm.
        Before that norm the length of a token changes nothing, so gradient times token is zero but
        for the norm's epsilon. The map would be 1e-5 of its terms, and rounding would decide the
        windows. Similarity of patch tokens to the text needs no gradient, but is known to light up
        the background in CLIP.

        Args:
            frames (Tensor): (N, 3, S, S), normalised.
            text (Tensor): (K, D), of any length.

        Returns:
            Tensor: (N, h, w), not negative.

        Raises:
            InputError: frames have another size than the tower's.
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
