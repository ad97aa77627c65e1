"""The controller's subcommands: make and look at datasets, train, measure."""
