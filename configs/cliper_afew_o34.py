# CLIPER's learned descriptors (ICME 2024): five per emotion, four tokens each; frozen CLIP.
# It is coop_afew_o34.py with another head.
_base_ = './coop_afew_o34.py'
model = dict(cls_head=dict(type='CLIPERHead'))
