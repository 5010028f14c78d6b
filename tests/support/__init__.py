"""What tests of several folders share: data made up in memory, damage, tiny judges."""
