# MAFW as a closed set, for UAR and WAR; `fold` is 1 to 5.
_base_ = './mafw.py'
known = [
    'anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise', 'contempt',
    'anxiety', 'helplessness', 'disappointment'
]

data_set = dict(known=known, closed_set=True)
train_dataloader = dict(dataset=data_set)
test_dataloader = dict(dataset=data_set)
val_dataloader = test_dataloader
