"""Which heads' probabilities are a softmax of the logits, so that a temperature calibrates them."""
import pytest
import torch

from hesp_mmaction.models import heads

KNOWN = ('anger', 'fear', 'happiness')
FINISHED = sorted(set(heads.__all__) - {'OpenSetHead', 'PrototypeHead'})


def outputs_of(head):
    torch.manual_seed(1)
    feats = torch.randn(5, 12) if type(head).__name__ != 'CSSRHead' else torch.randn(5, 12, 4)
    head.eval()
    with torch.no_grad():
        return head(feats, points=torch.randn(3, 12))


@pytest.mark.parametrize('name', FINISHED)
def test_probabilities_are_a_softmax_where_the_head_says_so(clips, name):
    torch.manual_seed(0)
    head = getattr(heads, name)(KNOWN, clip=clips['vit'])
    outputs = outputs_of(head)
    same = torch.allclose(outputs['logits'].softmax(1), outputs['probabilities'], atol=1e-6)
    assert same == head.softmax_probabilities == (name != 'EvidentialHead')
    assert head.calibrated(outputs['logits']) is None  # no temperature was fitted
    head.temperature.fill_(2.0)
    found = head.calibrated(outputs['logits'])
    if name == 'EvidentialHead':
        assert found is None
    else:
        assert torch.equal(found, torch.softmax(outputs['logits'].double() / 2, 1))
