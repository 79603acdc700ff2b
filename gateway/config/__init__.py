"""Settings: one strict TOML file, environment overrides, secrets only as file paths (design §8).

Everything wrong is reported at once, each fault with its path in the file. No
key turns a security check off: what is not here cannot be configured.
"""
