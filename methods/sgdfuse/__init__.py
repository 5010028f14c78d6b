"""SGDFuse: mask-guided diffusion for infrared-visible fusion. Network, diffusion, losses, training, masks,
ablation and the shipped weights of the compact default; `README.md` is the model card, `training-log.md` how
the weights came to be.
"""
