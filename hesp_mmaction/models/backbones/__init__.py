from .clip_image_tower import CLIPImageTower

__all__ = ['CLIPImageTower']
