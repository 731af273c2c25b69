"""The parts of the serving benchmark: each measures one thing and adds its rows and figures to the report."""
