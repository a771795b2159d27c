import gzip
import io

import pytest

from qddft.core.gzipped import GZIP_ERRORS, open_gzip

TEXT = b"free  energy   TOTEN  = -10.25 eV\n" * 3000


def test_paths_and_open_files_come_back_whole(tmp_path):
    path = tmp_path / "OUTCAR.gz"
    # a file of several members, as appending makes
    path.write_bytes(gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]))
    for file in (path, io.BytesIO(path.read_bytes())):
        with open_gzip(file) as opened:
            assert opened.read() == TEXT


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_every_cut_and_every_flipped_byte_is_an_error(tmp_path, level):
    packed = gzip.compress(TEXT, level, mtime=0)
    step = max(len(packed) // 40, 1)
    for at in range(12, len(packed) - 1, step):
        flipped = bytearray(packed)
        flipped[at] ^= 0x41
        for damaged in (packed[:at], bytes(flipped)):
            with pytest.raises(GZIP_ERRORS):
                open_gzip(io.BytesIO(damaged)).read()
