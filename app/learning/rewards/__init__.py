"""What a rewrite is paid for: one small pure function a file, mixed by compose.py."""
