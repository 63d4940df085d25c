# HESP on drawn faces with four known emotions: the model that tools/infer.py uses by default, made
# by tools/dev/make_embedded_model.py. Happiness, sadness, anger and neutral were chosen by meaning:
# a positive emotion, a quiet and a loud negative one, and none. Surprise, fear and disgust are the
# unknown ones.
_base_ = './hesp_synthetic_o34.py'
protocol = dict(openness='4:3')
known = ['happiness', 'sadness', 'anger', 'neutral']

model = dict(known=known)
train_dataloader = dict(dataset=dict(known=known))
val_dataloader = train_dataloader
test_dataloader = train_dataloader
train_cfg = dict(max_epochs=12)
