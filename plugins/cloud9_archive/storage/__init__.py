"""Where sealed bytes live: create-only stores."""
