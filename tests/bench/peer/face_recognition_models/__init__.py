"""The models of build/models under the names that the package face_recognition asks for. It loads a 68-point
landmark model that it need not use; the licence of that model's data forbids it here, so the 5-point one stands in its
place and face_encodings(model="small") uses it.
"""
import os

_FOLDER = os.environ["VULTUS_MODELS"]


def pose_predictor_model_location():
    return os.path.join(_FOLDER, "shape_predictor_5_face_landmarks.dat")


def pose_predictor_five_point_model_location():
    return os.path.join(_FOLDER, "shape_predictor_5_face_landmarks.dat")


def face_recognition_model_location():
    return os.path.join(_FOLDER, "dlib_face_recognition_resnet_model_v1.dat")


def cnn_face_detector_model_location():
    return os.path.join(_FOLDER, "mmod_human_face_detector.dat")
