# DFEW as a closed set, for UAR and WAR; `fold` is 1 to 5.
_base_ = './dfew.py'
known = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']

data_set = dict(known=known, closed_set=True)
train_dataloader = dict(dataset=data_set)
test_dataloader = dict(dataset=data_set)
val_dataloader = test_dataloader
