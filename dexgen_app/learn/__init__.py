"""What every skill and controller shares: rollouts, stores, jobs, evaluation."""
