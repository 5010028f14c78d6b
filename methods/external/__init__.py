"""Published methods too heavy to port: each a YAML file that says how to run the user's clone of the official
repository.
"""
