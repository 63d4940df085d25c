"""Keeps names, labels and checkpoints of one run together."""
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop

from ...datasets.emotions import SHIPPED, in_force, ships
from ...datasets.feature_dataset import FeatureDataset
from ...datasets.feature_store import check_made, check_model
from ...datasets.wrappers import leaves
from ...errors import InputError
from ...models.checkpoint_origin import clip_of, pixels_of
from ...models.checkpoints import check_checkpoint
from ...models.clip import forget_weights
from .common import tell, unwrap


@HOOKS.register_module()
class OpenSetHook(Hook):
    """Every open-set run has this hook.

    * Stops before the first step when model and data set disagree on the known emotions.
    * Tells the training data which epoch it is (their augmentation depends on it and on the
      sample, not on workers or processes).
    * Writes names, own emotions, region setting, threshold, pixel statistics, what tells the CLIP
      from others and the history of growth into checkpoints, and refuses checkpoints of other names
      or of another architecture.
    * Names the emotions that do not ship, and reports how far the text contexts have moved.
    """
    priority = 'HIGH'

    def before_run(self, runner):
        forget_weights()  # the model is built

    def before_train(self, runner):
        self._check_names(runner, runner.train_dataloader)
        tell(runner.train_dataloader.dataset, seed=runner.seed)
        self._tell_own_emotions()
        if runner.val_loop is not None:
            self._check_names(runner, runner.val_loop.dataloader)
        model = unwrap(runner.model)
        trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
        frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
        print_log(f'known: {", ".join(model.cls_head.known)}; {trainable:,} trainable parameters, '
                  f'{frozen:,} frozen', 'current')
        contexts = self._contexts(model)
        self._contexts_at_start = None if contexts is None else contexts.detach().cpu().clone()

    def before_test(self, runner):
        self._tell_own_emotions()
        self._check_names(runner, runner.test_loop.dataloader)

    def before_train_epoch(self, runner):
        tell(runner.train_dataloader.dataset, epoch=runner.epoch)

    def after_train(self, runner):
        contexts = self._contexts(unwrap(runner.model))
        if contexts is not None and contexts.requires_grad:
            change = (contexts.detach().cpu() - self._contexts_at_start).norm()
            print_log(f'text contexts moved by {change:.4f} (L2) of '
                      f'{self._contexts_at_start.norm():.4f} in this run', 'current')

    def before_save_checkpoint(self, runner, checkpoint):
        model = unwrap(runner.model)
        prompt = getattr(model, 'visual_prompt', None)
        checkpoint['hesp'] = dict(
            known=list(model.cls_head.known),
            region=None if prompt is None else dict(
                region=prompt.region, size=prompt.size, mode=prompt.mode),
            threshold=float(model.cls_head.threshold), pixels=pixels_of(model),
            clip=clip_of(model), history=getattr(model.cls_head, 'history', []))
        content = in_force().content(SHIPPED)
        if content:
            checkpoint['hesp']['emotions'] = content

    def after_load_checkpoint(self, runner, checkpoint):
        resumed = getattr(runner, '_resume', False)
        # mmengine has built the loop of a training by now, and of nothing else.
        trains = isinstance(getattr(runner, '_train_loop', None), BaseLoop)
        weights = check_checkpoint(unwrap(runner.model), checkpoint, whole=resumed or not trains)
        if resumed and not {'meta', 'message_hub'} <= set(checkpoint):
            raise InputError('this checkpoint holds weights alone, so no training can go on from '
                             'it with --resume: name a checkpoint of a training, or start anew on '
                             'these weights with --cfg-options load_from=FILE')
        if isinstance(checkpoint.get('hesp'), dict):
            unwrap(runner.model).cls_head.history = checkpoint['hesp'].get('history', [])
        if 'state_dict' not in checkpoint:  # a bare one, which other hooks do not expect
            checkpoint.clear()
        checkpoint['state_dict'] = weights

    @staticmethod
    def _tell_own_emotions():
        own = [f'{name} ("{emotion.word}")' for name, emotion in in_force().emotions.items()
               if not ships(name)]
        if own:
            print_log(f'emotions of your own, with their words in prompts: {", ".join(own)}',
                      'current')

    @staticmethod
    def _contexts(model):
        prompts = getattr(getattr(model, 'cls_head', None), 'prompts', None)
        return None if prompts is None else prompts.contexts

    @staticmethod
    def _check_names(runner, dataloader):
        head = getattr(unwrap(runner.model), 'cls_head', None)
        model_names = tuple(getattr(head, 'known', ()))
        datasets = leaves(dataloader.dataset)
        for dataset in datasets:
            if 'classes' not in dataset.metainfo:
                raise InputError(f'{type(dataset).__name__} does not say which emotions are known: '
                                 'use a data set of this package, such as ListDataset')
        data_names = tuple(datasets[0].metainfo['classes'])  # joined ones have the same
        if model_names != data_names:
            raise InputError(f'the model knows {", ".join(model_names)} but the data set '
                             f'{", ".join(data_names)}: give both the same `known`, in one order')
        for dataset in datasets:
            if isinstance(dataset, FeatureDataset):
                dataset.check_model(unwrap(runner.model))
            elif getattr(dataset, 'features', None) is not None:
                check_model(unwrap(runner.model))
                check_made(dataset.features, dataset.feature_index, runner.cfg,
                           unwrap(runner.model))
