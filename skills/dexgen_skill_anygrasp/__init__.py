"""The skill AnyGrasp-to-AnyGrasp: move an object in the hand from one grasp to a near one."""
