"""The live session: worker process, loop, safety filter, state ring, command pipe."""
