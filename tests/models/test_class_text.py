"""What heads on texts leave for the scores that read texts, frames and contexts."""
import numpy as np
import pytest
import torch
from leaves import KNOWN, build, samples

from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.evaluation.dumps import dump_of_rows, dump_row, save_dump
from hesp_mmaction.models.heads import (
    CLIPERHead,
    CLIPZeroShotHead,
    CoCoOpHead,
    CoOpHead,
    HESPHead,
    LinearHead,
)

B, T, D = 3, 4, 12


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.fixture
def frames():
    return np.random.default_rng(0).normal(size=(B, T, D))


def predicted(head, frames, **kwargs):
    """Rows of the dump of a head in float64."""
    with torch.no_grad():
        for parameter in head.parameters():
            if parameter.requires_grad:
                parameter += 0.5 * torch.randn_like(parameter)
        head = head.double().eval()
        found = head.predict(torch.tensor(frames.mean(1)), samples(B),
                             frames=torch.tensor(frames), **kwargs)
    return [sample.to_dict() | dict(emotion='fear') for sample in found]


def array(samples, key):
    return np.stack([np.asarray(sample[key]) for sample in samples])


MAKERS = {
    'zero-shot': lambda clip: CLIPZeroShotHead(KNOWN, clip),
    'two templates': lambda clip: CLIPZeroShotHead(KNOWN, clip, ('a {} face', 'looks {}')),
    'CoOp': lambda clip: CoOpHead(KNOWN, clip),
    'CoOp, class-specific': lambda clip: CoOpHead(KNOWN, clip, 8, class_specific=True),
    'CLIPER': lambda clip: CLIPERHead(KNOWN, clip),
    'HESP': lambda clip: HESPHead(KNOWN, clip, num_contexts=4),
}


@pytest.mark.parametrize('name', MAKERS)
def test_cosines_are_products_with_class_text_of_clip_and_of_frames(name, clips, frames):
    head = MAKERS[name](clips['vit'])
    found = predicted(head, frames)
    text = array(found, 'class_text')
    assert (text == text[0]).all() and text.shape == (B, len(KNOWN), D)
    np.testing.assert_allclose(array(found, 'logits_cosine'), unit(frames.mean(1)) @ text[0].T,
                               rtol=1e-9)
    np.testing.assert_allclose(array(found, 'frame_cosine'), unit(frames) @ text[0].T, rtol=1e-9)
    if name != 'CLIPER':  # whose rows are means of texts
        np.testing.assert_allclose(np.linalg.norm(text[0], axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize('name', ['CoOp', 'CoOp, class-specific', 'CLIPER', 'HESP'])
def test_the_context_is_the_prompt_without_its_name(name, clips, frames):
    head = MAKERS[name](clips['vit'])
    found = predicted(head, frames)
    contexts, embed = head.prompts.contexts.detach(), head.text.token_embedding
    ids = head.text.tokenize([' '.join(['x'] * contexts.shape[1]) + '.'])
    texts = []
    with torch.no_grad():
        for row in contexts:  # one set at a time: start, contexts, full stop, end
            whole = embed(ids).double()
            whole[0, 1:1 + len(row)] = row
            texts.append(unit(head.text(whole, ids.argmax(1)).numpy()[0]))
    expected = head.text.logit_scale * unit(frames.mean(1)) @ unit(np.mean(texts, 0))
    np.testing.assert_allclose(array(found, 'logits_context')[:, 0], expected, rtol=1e-9)


def test_the_context_follows_the_weights(clips, frames):
    head = CoOpHead(KNOWN, clips['vit']).double().eval()
    first = array(predicted(head, frames), 'logits_context')
    assert not np.allclose(array(predicted(head, frames), 'logits_context'), first)


def test_heads_without_texts_of_their_own_give_none(clips, frames):
    for head in (CoCoOpHead(KNOWN, clips['vit']), LinearHead(KNOWN, D)):
        for sample in predicted(head, frames):
            assert not {'class_text', 'frame_cosine', 'logits_context'} & set(sample)


def test_frames_of_another_width_are_left_out(clips, frames):
    head = HESPHead(KNOWN, clips['vit'], in_channels=5, num_contexts=4)
    found = predicted(head, frames[..., :5])
    assert 'class_text' in found[0] and 'frame_cosine' not in found[0]


@pytest.mark.parametrize('name', ['clip_zeroshot_afew_o34.py', 'coop_afew_o34.py'])
def test_a_recognizer_gives_its_head_the_frames_and_a_dump_keeps_texts_once(name, clips, tmp_path):
    model, _ = build(name, clips['vit'])
    pixels = torch.randint(0, 256, (B, 8, 3, 32, 32)).float()
    with torch.no_grad():
        found = model.eval()(pixels, samples(B), mode='predict')
        features = model.extract_feat(pixels, stage='backbone', test_mode=True)[0].numpy()
    rows = [dump_row(sample.to_dict() | dict(emotion='fear')) for sample in found]
    save_dump(dump_of_rows(rows, KNOWN), tmp_path / 'dump.npz')
    dump = load_dump(tmp_path / 'dump.npz')
    assert dump['class_text'].shape == (len(KNOWN), D) and dump['threshold'].shape == ()
    np.testing.assert_allclose(dump['frame_cosine'], unit(features) @ dump['class_text'].T,
                               atol=1e-5)
