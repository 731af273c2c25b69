"""The shipped artefacts against the bars they were built for: one file each, all answering with figures."""
