"""What a folder that is shared must not hold: names, paths and images, wherever in its bytes they hide."""

import gzip
import io
import zipfile
import zlib
from contextlib import suppress

IMAGES = (
    b"n+1\0",
    b"ni1\0",
    b"\x89PNG\r\n",
    b"\xff\xd8\xff\xe0",
    b"DICM",
    b"NRRD000",
)  # how files of images begin or tell
GZIP = b"\x1f\x8b\x08"


def leaks(folder, words):
    """Return what was found, as (file, word), in plain bytes, in UTF-16, and in members of gzip and of zip."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for content in contents(path.read_bytes()):
            coded = [(word, code) for word in words for code in (word.encode(), word.encode("utf-16-le"))]
            found += [(path.name, word) for word, code in coded if code.lower() in content.lower()]
            found += [(path.name, magic) for magic in IMAGES if magic in content]
    return found


def contents(data):
    """Yield bytes, and those of every member that they hold, whatever the name of the file."""
    yield data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            for name in members.namelist():
                yield name.encode()
                yield from contents(members.read(name))
    at = data.find(GZIP)
    while at >= 0:
        with suppress(zlib.error):  # three bytes of weights may look like the beginning of a member
            yield zlib.decompressobj(wbits=31).decompress(data[at:])
        at = data.find(GZIP, at + 1)


def compressed(text):
    """Return a text as a member of gzip."""
    return gzip.compress(text.encode())
