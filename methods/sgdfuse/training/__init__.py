"""SGDFuse's training: data pack, objective, losses, loop, validation."""
