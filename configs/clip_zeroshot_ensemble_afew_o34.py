# Zero-shot CLIP with the mean of several sentences per emotion. It is clip_zeroshot_afew_o34.py
# with other templates.
_base_ = './clip_zeroshot_afew_o34.py'
model = dict(
    cls_head=dict(template=[
        'a photo of a {} expression', 'a {} face', 'a video of a person who looks {}',
        'a close-up of a {} person', 'somebody feels {}'
    ]))
