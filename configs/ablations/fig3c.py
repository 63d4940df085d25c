# Fig. 3c of the paper: the side of the visual prompt, in pixels of an image of 224.
published = '56 wins'
rows = [
    dict(name='14', prompt_size_of_224=14),
    dict(name='28', prompt_size_of_224=28),
    dict(name='56', prompt_size_of_224=56),
    dict(name='112', prompt_size_of_224=112),
]
