"""SGDFuse's network: stage I, U-Net, diffusion, HFAH."""
