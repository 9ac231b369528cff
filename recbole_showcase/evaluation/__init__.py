"""What held-out rows are explained with, and the metrics that read it."""
