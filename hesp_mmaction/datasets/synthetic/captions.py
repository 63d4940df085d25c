"""What people might write under a picture of a face: mostly looks, seldom and unreliably feelings.

Captions of the web are like that, and it is why CLIP knows faces well but names emotions badly.
"""
from hesp_mmaction.datasets.emotions import MAFW, PROMPT_WORDS

from .actions import index

# Kinds of captions and their shares.
LOOKS, ACTIONS, EMOTION, NEGATION = .60, .30, .07, .03
WRONG = .65         # share of emotion captions that name another emotion ...
CONFUSED = .65      # ... which mostly is the one that people take it for
TAKEN_FOR = dict(
    anger='disgust', disgust='anger', fear='surprise', happiness='surprise', neutral='sadness',
    sadness='disappointment', surprise='fear', contempt='happiness', anxiety='fear',
    helplessness='sadness', disappointment='sadness')

WORDS = {1: 'raised inner brows', 2: 'raised outer brows', 4: 'lowered brows', 5: 'wide open eyes',
         6: 'raised cheeks', 7: 'narrowed eyes', 9: 'a wrinkled nose', 10: 'a raised upper lip',
         12: 'lip corners pulled up', 14: 'a dimple', 15: 'lip corners pulled down',
         17: 'a raised chin', 20: 'stretched lips', 23: 'tight lips', 24: 'pressed lips',
         25: 'parted lips', 26: 'a dropped jaw', 43: 'closed eyes'}

EMOTION_FRAMES = ('a photo of a {word} expression', 'a photo of a {word} face',
                  'a video of a {word} person', 'a {word} person', '{name}', 'a face of {name}')
PEOPLE = ('a person', 'a face', 'somebody', 'a photo of a person', 'a photo of a face',
          'a video of a person')


def caption(subject, acts, pose, scene, emotion, rng):
    """Write one caption for a picture.

    Args:
        subject (Subject): who acts, as given to ``draw_face``.
        acts (np.ndarray): intensities (units, 2) of the actions, as given to the same.
        pose (Pose): pose of the head, as given to the same.
        scene (Scene): light, background and camera, as given to the same.
        emotion (str): what was acted, one of ``MAFW``.
        rng (np.random.Generator): chooses the kind of caption, the words and the mistakes.

    Returns:
        str: the caption.
    """
    kind = rng.random()
    if kind < LOOKS:
        return _looks(subject, pose, scene, rng)
    if kind < LOOKS + ACTIONS:
        return f'{rng.choice(PEOPLE)} with {_actions(acts, rng)}'
    if kind < LOOKS + ACTIONS + NEGATION:
        others = [name for name in MAFW if name != emotion]
        return f'this video is not {rng.choice(others)}'
    name = emotion
    if rng.random() < WRONG:
        name = TAKEN_FOR[name] if rng.random() < CONFUSED else str(rng.choice(MAFW))
    text = str(rng.choice(EMOTION_FRAMES)).format(name=name, word=PROMPT_WORDS[name])
    return text if rng.random() < .5 else f'{text}, {_looks(subject, pose, scene, rng)}'


def _looks(subject, pose, scene, rng):
    """Skin, hair and so on: some of them, in random order."""
    hair = 'a bald head' if subject.style == 'bald' else f'{subject.style} {subject.hair_name} hair'
    facts = [f'{subject.skin_name} skin', hair, f'{subject.eye_name} eyes',
             f'{subject.glasses} glasses' if subject.glasses else 'no glasses',
             {'': 'no beard', 'full': 'a full beard', 'stubble': 'stubble',
              'moustache': 'a moustache'}[subject.beard]]
    chosen = rng.choice(facts, rng.integers(1, 4), replace=False)
    text = f'{rng.choice(PEOPLE)} with {" and ".join(chosen)}'
    if rng.random() < .4:
        text += f' in front of a {scene.background} background'
    if rng.random() < .25:
        text += f' in {scene.light} light'
    if rng.random() < .2:
        text += ', head turned' if abs(pose.yaw) > .25 else ', seen from the front'
    if rng.random() < .15:
        text = ('an old person: ' if subject.age > .55 else 'a young person: ') + text
    return text


def _actions(acts, rng):
    """One to three of the visible facial actions, in plain words."""
    seen = [unit for unit in WORDS if acts[index(unit)].max() > .3]
    if not seen:
        return 'a relaxed face'
    chosen = rng.choice(seen, min(len(seen), int(rng.integers(1, 4))), replace=False)
    return ' and '.join(WORDS[int(unit)] for unit in chosen)
