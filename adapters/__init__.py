"""One file or folder per outside thing; each meets a port of `gateway.domain.ports`."""
