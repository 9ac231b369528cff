"""The errors this package raises; every one names what was found and what is allowed."""


class ShowcaseError(Exception):
    """Base of all errors raised by this package."""


class DataError(ShowcaseError):
    """A raw or atomic file, or an option of a converter, is not usable."""


class FeatureStoreError(ShowcaseError):
    """A feature store is missing, incomplete, or does not fit the data set."""


class SettingsError(ShowcaseError):
    """A setting is unknown, of the wrong type, or out of range."""


class CheckpointError(ShowcaseError):
    """A checkpoint is not ours or RecBole's, is damaged, or asks for code we do not run."""


class RegistrationError(ShowcaseError):
    """A name cannot be registered with RecBole, or is not known there."""
