"""SGD with, for chosen parameters, steps of a fixed length."""
import torch
from mmengine.registry import OPTIMIZERS


@OPTIMIZERS.register_module()
class NormalisedSGD(torch.optim.SGD):
    """SGD whose groups may first make a step of fixed L2 length along their gradient.

    The released HESP code moves the pixels of the visual prompt and of the negatives like that. The
    step is made here, on the gradient that all processes share, and not by a hook before it.

    Options of a parameter group (``paramwise_cfg.custom_keys``):

    * ``step_length`` (float): L2 length of the normalised step; 0 or absent = plain SGD.
    * ``over_classes`` (bool): the direction is the mean of the gradient over the first dimension,
      one for all classes.
    * ``then_sgd`` (bool): follow with the plain SGD step, as the released code does for the
      negatives. Absent = False.
    * ``scheduled`` (bool): the length shrinks with the learning rate. Absent = False.
    """

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            length = group.get('step_length', 0)
            if not length:
                continue
            if group.get('scheduled'):
                length *= group['lr'] / group['initial_lr']
            for parameter in group['params']:
                if parameter.grad is None:
                    continue
                direction = parameter.grad
                if group.get('over_classes'):
                    direction = direction.mean(0, keepdim=True)
                norm = direction.norm()
                step = length * direction / norm
                # A comparison in Python would wait for the device, once for each parameter.
                parameter -= torch.where(norm > 0, step, torch.zeros_like(step))
                if not group.get('then_sgd'):
                    parameter.grad = None
        super().step()
        return loss
