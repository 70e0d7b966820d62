"""The photo set of the benches: 200 photos of Labeled Faces in the Wild, 250 x 250, of as many people, and 40
pictures of 640 x 480 with four of those faces each. Which ones, and in which order, never changes.
"""
import io
import pathlib

from PIL import Image

PEOPLE, GROUPS = 200, 40


def people(folder):
    """Paths of one photo each of 200 people, evenly over the alphabet."""
    all_people = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_dir())
    if len(all_people) < PEOPLE:
        raise SystemExit(f"{folder}: {len(all_people)} people, {PEOPLE} are needed")
    return [sorted(all_people[i * len(all_people) // PEOPLE].glob("*.jpg"))[0] for i in range(PEOPLE)]


def group(photos):
    picture = Image.new("RGB", (640, 480), (96, 96, 96))
    for place, photo in enumerate(photos):
        with Image.open(photo) as one:
            picture.paste(one.convert("RGB").resize((240, 240)), (40 + 320 * (place % 2), 240 * (place // 2)))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()


def mixed(singles, into, count=50):
    """Photos of `count` sizes, from 120 x 90 to 1,100 x 825: one face each, or none."""
    paths = []
    for i in range(count):
        width = 120 + 980 * i // (count - 1)
        with Image.open(singles[i % PEOPLE]) as one:
            picture = one.convert("RGB").resize((width, width * 3 // 4))
        path = pathlib.Path(into, f"mixed-{i:02}.jpg")
        picture.save(path, "JPEG", quality=90)
        paths.append(path)
    return paths


def of_40_megapixels(singles, into, count=2):
    """Photos of 7300 x 5475 pixels with twelve faces each, the largest that are accepted."""
    paths = []
    for i in range(count):
        picture = Image.new("RGB", (7300, 5475), (96, 96, 96))
        for place in range(12):
            with Image.open(singles[(i * 12 + place) % PEOPLE]) as one:
                picture.paste(one.convert("RGB").resize((1000, 1000)), (200 + 1700 * (place % 4), 300 + 1700 * (place // 4)))
        path = pathlib.Path(into, f"large-{i}.jpg")
        picture.save(path, "JPEG", quality=85)
        paths.append(path)
    return paths


def make(folder, into):
    """Writes the groups below `into`. Returns {"250": paths, "640": paths}."""
    singles = people(folder)
    groups = []
    for i in range(GROUPS):
        path = pathlib.Path(into, f"group-{i:02}.jpg")
        path.write_bytes(group([singles[(i * 5 + k * 50) % PEOPLE] for k in range(4)]))
        groups.append(path)
    return {"250": singles, "640": groups}
