# HESP with VP's border of pixels in place of the patch on the expression-sensitive region.
_base_ = './hesp_afew_o34.py'
prompt_size = 148  # of 224: a border with its pixels is an eighth of the side wide
model = dict(visual_prompt=dict(size=prompt_size, region='border'))
