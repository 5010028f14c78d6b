"""Images: decoding and encoding, grey conversions, colour recombination, quantisation, padding."""
