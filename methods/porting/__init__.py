"""What ports of published networks share: adapter, checkpoints, conversion, parity, recordings, timing."""
