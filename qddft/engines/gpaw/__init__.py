"""The engine ``gpaw``: plane waves and atomic orbitals with PAW, without a license; files made with GPAW by anybody."""
