"""The proof: named arms of training and prompting, measured alike, as tables, plots and texts side by side."""
