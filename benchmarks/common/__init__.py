"""What every benchmark needs: contestants in processes, rounds, statistics, reports."""
