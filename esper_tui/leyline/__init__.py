"""The contracts that two parts of the program share.  Pure questions and plain data; no torch.

Where to look: ``stages`` and ``choices`` (tables of the lifecycle and of the decision), ``state`` (what is
known about a slot and an environment), ``legality`` (what may be done now, and why not), ``config`` (every
setting), ``events`` and ``metrics`` (what is recorded), ``session`` (commands and acknowledgements),
``folder`` (the layout of a run folder), ``protocols`` (what the parts ask of each other), ``errors``.
"""

GLOSSARY: dict[str, str] = {
    "ablation": "the network measured again with one or more seeds switched off",
    "alpha": "how strongly a seed is blended in, from 0 (not at all) to 1 (fully)",
    "averaged weights": "an exponential moving average of the weights over about one epoch; what is measured",
    "blueprint": "the architecture of a seed, for example CONV_LIGHT",
    "boundary": "the moment between two epochs when decisions, commands and pauses take effect",
    "control": "the same network from the same start on the same data, never grown; the twin of an environment",
    "delivered network": "what a run hands over: averaged weights with fossilised seeds only",
    "dependence": "how much the loss rises when a seed is switched off; says reliance, not benefit",
    "environment": "one host with its slots, and everything that happens to it",
    "epoch": "one decision interval: images_per_epoch images per environment",
    "episode": "the life of one environment, from reset to the last epoch of its round",
    "fossil": "a seed that was committed for good",
    "gain": "validation loss of the control minus that of the environment; what growth bought",
    "gate": "a condition between two stages: G1 to G3 on the way in, G5 before commitment",
    "gate half, reward half": "the two halves of the validation images: one decides, the other judges",
    "germinate": "plant a seed in an empty slot",
    "host": "the network that is grown",
    "incubation": "the seed learns beside the host (a shadow pass) without touching it",
    "instance": "(seed, index): fixes initialisation, data order, augmentation and the validation halves",
    "round": "one life of N hosts that start and end together",
    "seed": "a small module planted in a slot",
    "shadow pass": "the layers after a slot, run as if the seed were fully on, to train the seed alone",
    "slot": "a place in the host where a seed may be planted, named r<row>c<column>",
    "Tamiyo": "the controller that decides for every environment at every boundary",
}
