"""Texts: sentences, entities, token ids, and the models that are loaded by name."""
