"""Reviews and photos beside RecBole's interactions, and the batches made of them."""
