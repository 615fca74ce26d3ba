"""The national axis's client protocol (VXP): agency systems connect with the client they have."""
