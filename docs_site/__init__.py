"""What makes a site of ``docs/``: docs/site.md."""
