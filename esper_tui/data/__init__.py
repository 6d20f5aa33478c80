"""Data sets and batches.

``procedural`` (images made in the program), ``cifar`` (CIFAR-10 through torchvision), ``source`` (what the engine is
fed with: device-resident images, order, augmentation, splits), ``catalogue`` (names, folders, fetching, checking).
"""
