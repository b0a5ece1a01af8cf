"""Cloud9's Call Data API over HTTP; the only room that speaks it."""
