"""The Python package face_recognition on a list of photos, one process per core, no HTTP.

    photos.py hog|cnn UPSAMPLE PHOTO...

Prints one JSON object: photos_per_s, and faces: for each photo [[box as left, top, right, bottom, embedding], ...].
"""
import json
import multiprocessing
import os
import sys
import time

import face_recognition


def look(task):
    detector, upsample, path = task
    picture = face_recognition.load_image_file(path)
    places = face_recognition.face_locations(picture, number_of_times_to_upsample=upsample, model=detector)
    vectors = face_recognition.face_encodings(picture, places, model="small")
    return [[[left, top, right, bottom], vector.tolist()]
            for (top, right, bottom, left), vector in zip(places, vectors)]


def main():
    detector, upsample, photos = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool:
        pool.map(look, [(detector, 0, photos[0])] * 8, chunksize=1)  # loads and warms up
        begin = time.monotonic()
        faces = pool.map(look, [(detector, upsample, path) for path in photos], chunksize=1)
        spent = time.monotonic() - begin
    print(json.dumps({"photos_per_s": len(photos) / spent, "faces": faces}))


if __name__ == "__main__":
    main()
