"""From a configuration to a plan: methods, datasets, protocols, units and their content keys."""
