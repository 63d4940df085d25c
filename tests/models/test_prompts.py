import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hesp_mmaction.datasets.emotions import MAFW, PROMPT_WORDS
from hesp_mmaction.errors import InputError
from hesp_mmaction.models.clip import load_clip
from hesp_mmaction.models.prompts import (
    CLIPTextTower,
    NegativePoints,
    NegativeVisuals,
    PromptLearner,
    VisualPrompt,
)
from hesp_mmaction.models.prompts.descriptions import descriptions_of
from hesp_mmaction.models.prompts.region import border_width, largest_window, random_windows


@pytest.mark.parametrize('position, sentence', [
    ('end', 'a video of a person {}.'), ('front', '{} a video of a person.'),
    ('middle', 'a video {} of a person.')])
def test_contexts_in_place_of_words_give_the_sentence(clips, position, sentence):
    """Contexts set to the embeddings of real words must encode like the sentence itself."""
    tower = CLIPTextTower(**clips['vit']).double()
    said = dict(anger='brows down, lips pressed', happiness='happy')  # of different lengths
    learner = PromptLearner(tower, [*said], num_contexts=5, words=said,
                            position=position).double()
    words = tower.token_embedding(tower.tokenizer(['a video of a person'])[:, 1:6])
    learner.contexts.data = words.expand(2, -1, -1).clone()
    expected = tower.encode_text([sentence.format(word) for word in said.values()])
    torch.testing.assert_close(tower(*learner()), expected, atol=1e-12, rtol=1e-12)


def test_an_unknown_position_is_named(clips):
    with pytest.raises(InputError, match="position='back'.*'middle'"):
        PromptLearner(CLIPTextTower(**clips['vit']), ['anger', 'fear'], position='back')


def test_a_shift_moves_every_context_of_its_sample(clips):
    tower = CLIPTextTower(**clips['vit'])
    learner = PromptLearner(tower, ['anger', 'happiness'], 3, class_specific=False)
    plain, end = learner()
    shift = torch.randn(4, tower.width)
    moved, ends = learner(shift)
    moved = moved.unflatten(0, (4, 2))
    assert ends.tolist() == end.tolist() * 4
    for b in range(4):
        torch.testing.assert_close(moved[b, :, 1:4], plain[:, 1:4] + shift[b])
        assert torch.equal(moved[b, :, 4:], plain[:, 4:])


def test_every_emotion_has_a_description_that_fits_the_embedded_clip():
    tower = CLIPTextTower('small_face_clip', 'embedded')
    found = descriptions_of(MAFW)
    assert list(found) == list(MAFW) and len(set(found.values())) == 11
    PromptLearner(tower, MAFW, 8, words=found)  # a longer one is refused
    words = [word for text in found.values() for word in text.replace(',', '').split()]
    assert not {*MAFW, *PROMPT_WORDS.values()} - {'neutral'} & {*words}  # what is seen, no names
    with pytest.raises(InputError, match='anger_disgust.*descriptions=False'):
        descriptions_of(['anger', 'anger_disgust'])


def test_what_follows_the_end_of_text_changes_nothing(clips):
    tower = CLIPTextTower(**clips['vit']).double()
    learner = PromptLearner(tower, ['anger', 'happiness'], words=dict(anger='very very angry'))
    short, end = learner.double()()
    assert end.tolist() == [21, 19]
    rest = 9 * torch.randn(2, 40 - short.shape[1], tower.width, dtype=torch.float64)
    longer = torch.cat([short, rest], 1)
    longer[1, 20:] *= -1  # the shorter prompt ends earlier
    torch.testing.assert_close(tower(longer, end), tower(short, end), atol=1e-12, rtol=1e-12)
    longer[1, 19] *= -1  # at the end itself it matters
    assert (tower(longer, end)[1] - tower(short, end)[1]).abs().max() > 1e-3


@pytest.mark.parametrize('arch', ['clip', 'deep'])
@pytest.mark.parametrize('dtype, tolerance', [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_the_tower_gives_what_open_clip_gives_with_its_gradient(clips, tmp_path, arch, dtype,
                                                                tolerance):
    """open_clip runs all tokens through all blocks, with a mask; ours reads one of the last."""
    where = clips['vit']
    if arch == 'deep':
        config = json.loads(Path(where['arch']).read_text())
        config['text_cfg']['layers'] = 3
        (tmp_path / 'deep.json').write_text(json.dumps(config))
        where = dict(arch=str(tmp_path / 'deep.json'), pretrained=str(tmp_path / 'deep.pt'))
        torch.manual_seed(3)
        torch.save(load_clip(where['arch']).state_dict(), where['pretrained'])
    tower, clip = CLIPTextTower(**where).to(dtype), load_clip(**where).to(dtype)
    x = torch.randn(3, 20, tower.width, dtype=dtype, requires_grad=True)
    end = torch.tensor([19, 3, 11])
    weights = torch.randn(3, tower.out_channels, dtype=dtype)
    found = tower(x, end)
    gradient, = torch.autograd.grad((found * weights).sum(), x)
    tokens = clip.transformer(x + clip.positional_embedding[:20],
                              attn_mask=clip.attn_mask[:20, :20].to(dtype))
    expected = clip.ln_final(tokens)[torch.arange(3), end] @ clip.text_projection
    expected_gradient, = torch.autograd.grad((expected * weights).sum(), x)
    with torch.no_grad():
        close = dict(rtol=tolerance, atol=tolerance * float(expected.abs().max()))
        torch.testing.assert_close(found, expected, **close)
        torch.testing.assert_close(tower(x, end), expected, **close)
    torch.testing.assert_close(gradient, expected_gradient, rtol=tolerance,
                               atol=tolerance * float(expected_gradient.abs().max()))
    assert gradient[1, 4:].abs().max() == 0 < gradient[1, :4].abs().min()


def test_contexts_shared_or_per_class_and_words(clips):
    tower = CLIPTextTower(**clips['vit'])
    assert PromptLearner(tower, ['anger', 'fear']).contexts.shape == (2, 16, 16)
    shared = PromptLearner(tower, ['anger', 'fear'], 4, class_specific=False)
    assert shared.contexts.shape == (1, 4, 16) and shared()[0].shape[0] == 2
    assert abs(float(PromptLearner(tower, ['anger'] * 40).contexts.std()) - 0.02) < 0.002
    own = PromptLearner(tower, ['anger', 'fear'], 4, words=dict(anger='furious'))
    assert not torch.equal(own.fixed[0, 5:], shared.fixed[0, 5:])
    assert torch.equal(own.fixed[1, 5:], shared.fixed[1, 5:])


def test_region_equals_brute_force():
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(4, 5, 5, generator=generator)
    windows = largest_window(maps, 20, 6)
    pixels = torch.nn.functional.interpolate(maps[:, None], size=(20, 20), mode='bilinear')[:, 0]
    for image, (top, left) in zip(pixels.numpy(), windows.tolist(), strict=True):
        sums = np.array([[image[i:i + 6, j:j + 6].sum() for j in range(15)] for i in range(15)])
        assert sums[top, left] == pytest.approx(sums.max(), rel=1e-6)


def test_empty_map_gives_the_centre_and_a_full_window_the_corner():
    assert largest_window(torch.zeros(2, 3, 3), 16, 4).tolist() == [[6, 6]] * 2
    assert largest_window(torch.rand(1, 3, 3), 16, 16).tolist() == [[0, 0]]


def test_window_follows_the_peak():
    maps = torch.zeros(1, 4, 4)
    maps[0, 0, 3] = 1
    (top, left), = largest_window(maps, 32, 8).tolist()
    assert top <= 2 and left >= 22


def test_random_windows_depend_on_the_sample_alone():
    a = random_windows(['x', 'y', 'z'], 32, 8)
    assert torch.equal(a[[2, 0]], random_windows(['z', 'x'], 32, 8))
    many = random_windows([str(i) for i in range(500)], 32, 8)
    assert many.min() == 0 and many.max() == 24


def test_border_prompt_keeps_the_middle():
    prompt = VisualPrompt(16, 8, 'add', 'border')
    prompt.delta.data += 1
    frames = torch.zeros(1, 2, 3, 16, 16)
    result = prompt(frames, prompt.locate(frames[:, 0], None, ['a']))
    assert not result[..., 1:15, 1:15].any() and (result[..., 0, :] == 1).all()
    assert (result[..., :, 15] == 1).all()


@pytest.mark.parametrize('size, patch', [(224, 56), (224, 148), (96, 24), (96, 63), (48, 31),
                                         (33, 9), (16, 8), (8, 4), (10, 1)])
def test_a_border_has_as_nearly_as_many_pixels_as_the_patch_as_can_be(size, patch):
    def pixels(width):  # counted
        image = np.ones((size, size), int)
        image[width:size - width, width:size - width] = 0
        return int(image.sum())

    prompt = VisualPrompt(size, patch, 'add', 'border')
    prompt.delta.data += 1
    shown = prompt(torch.zeros(1, 1, 3, size, size), torch.zeros(1, 2, dtype=torch.int64))
    assert int(shown[0, 0, 0].sum()) == pixels(prompt.width)
    gaps = [abs(pixels(width) - patch ** 2) for width in range(1, size // 2)]
    assert gaps[prompt.width - 1] == min(gaps)


def test_the_border_of_the_paper_and_of_vp():
    assert border_width(224, 56) == 4 and 56 / 16 == 3.5  # 3520 and 3024 pixels for 3136
    assert border_width(224, 148) == 28
    with pytest.raises(InputError, match='leaves no middle of frames of 224: .* prompt_size'):
        VisualPrompt(224, 224, 'add', 'border')


def test_regions():
    frames = torch.rand(2, 1, 3, 8, 8)
    first = frames[:, 0]
    assert VisualPrompt(8, 4, region='centre').locate(first, None, '').tolist() == [[2, 2]] * 2
    maps = torch.zeros(2, 8, 8)
    maps[0, 0, 0] = maps[1, 7, 7] = 1
    found = VisualPrompt(8, 4, region='cam').locate(first, lambda frames: maps, '')
    assert found.tolist() == [[0, 0], [4, 4]]
    found = VisualPrompt(8, 4, region='random').locate(first, None, ['a', 'b'])
    assert found.shape == (2, 2)
    assert VisualPrompt(8, 4, region=(1, 2)).locate(first, None, '').tolist() == [[1, 2]] * 2


def test_the_patch_starts_as_nothing_or_as_grey():
    assert not VisualPrompt(8, 4, 'add').delta.any()
    assert (VisualPrompt(8, 4, 'replace').delta == 0.5).all()


@pytest.mark.parametrize('arguments, said', [
    (dict(mode='paint'), 'paint'), (dict(region='nose'), 'nose'), (dict(size=9), '9'),
    (dict(region=(5, 0)), 'leaves the frame')])
def test_bad_prompt_settings_are_named(arguments, said):
    with pytest.raises(InputError, match=said):
        VisualPrompt(**dict(image_size=8, size=4) | arguments)


def test_negatives():
    torch.manual_seed(0)
    visuals = NegativeVisuals(3, 16)
    assert visuals.images.shape == (3, 3, 16, 16)
    assert abs(float(visuals.images.mean())) < 0.1 and abs(float(visuals.images.std()) - 1) < 0.1
    assert torch.equal(visuals(lambda x: x.mean((2, 3))), visuals.images.mean((2, 3)))
    points = NegativePoints(3, 5)
    assert points(None) is points.points and points.points.shape == (3, 5)
