"""Client of Vultus. `Client` and `AsyncClient` have the same methods.

    from vultus import Client

    with Client("http://127.0.0.1:5000") as vultus:
        vultus.train("Ada Lovelace", "ada-1.jpg", "ada-2.jpg")
        for face in vultus.recognize("party.jpg").faces:
            print(face.status, face.label, face.distance, face.box)
"""
from .async_client import AsyncClient
from .client import Client
from .errors import (InvalidArgument, InvalidResponse, JobFailed, JobTimeout, Refused, Unreachable, UnreadablePhoto,
                     Unusable, VultusError)
from .events import MISSED, Event, Missed, Named
from .people import PersonRecord
from .types import (Box, Candidate, Change, Collection, Detection, Face, Job, Lesson, Model, ModelChange, Models, OtherFace,
                    Person, Quality, Recognition, SeenFace, TrainedFace, TrainedPhoto, Training, Verification)

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Box", "Candidate", "Change", "Client", "Collection", "Detection", "Event", "Face", "InvalidArgument",
           "InvalidResponse", "Job", "JobFailed", "JobTimeout", "Lesson", "MISSED", "Missed", "Model", "ModelChange", "Models",
           "Named", "OtherFace", "Person", "PersonRecord", "Quality", "Recognition", "Refused", "SeenFace", "TrainedFace", "TrainedPhoto",
           "Training", "Unreachable", "UnreadablePhoto", "Unusable", "Verification", "VultusError"]
