"""Audio: probing, transcoding and checking it, in limited child processes."""
