"""Copies of the sample photos with a fraction of their pixels, for tests with sanitizers that look at whole photos.

    smaller_photos.py FROM TO
"""
import pathlib
import sys

from PIL import Image

source, target = map(pathlib.Path, sys.argv[1:])
target.mkdir(parents=True, exist_ok=True)
for path in source.glob("*.jpg"):
    picture = Image.open(path)
    picture.thumbnail((480, 480))
    picture.save(target / path.name, quality=92)
assert list(target.glob("*.jpg")), f"no sample photos in {source}; config/fetch.py brings them"
