"""Cuts faces out by their landmarks or boxes, as other programs want them."""

import cv2
import numpy as np

# Where the crops that `trainer crop` keeps have left eye, right eye, nose and corners of the mouth, as shares
# of the net's side, and how much wider than that side they are: host/src/contract.rs and host/src/crops.rs.
OUR_TEMPLATE = np.array([[0.32, 0.36], [0.68, 0.36], [0.5, 0.56], [0.35, 0.75], [0.65, 0.75]])
OUR_MARGIN = 1.25


def similarity(source, target):
    """The turn, zoom and shift [2, 3] that takes points [n, 2] nearest to others, by least squares."""
    rows = [row for x, y in source for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    a, b, x, y = np.linalg.lstsq(np.array(rows), np.ravel(target), rcond=None)[0]
    return np.array([[a, -b, x], [b, a, y]])


def box_to_square(left, top, side, size_px):
    """The zoom and shift [2, 3] that takes a square of a picture to one of size_px."""
    zoom = size_px / side
    return np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])


def cut_around(face, width, size_px):
    """The square [size_px, size_px, 3] around a face's box, `width` times as wide as the box's longer side."""
    left, top, right, bottom = face.box
    side = width * max(right - left, bottom - top)
    corner = (left + right - side) / 2, (top + bottom - side) / 2
    return cut(face.picture, box_to_square(*corner, side, size_px), size_px)


def cut(picture, place, size_px):
    """The square [size_px, size_px, 3] that `place` takes from a picture, averaging where it gets smaller."""
    finer = max(1, round(1 / np.hypot(place[0, 0], place[1, 0])))
    side = size_px * finer
    large = cv2.warpAffine(picture, place * finer, (side, side), flags=cv2.INTER_LINEAR)
    return cv2.resize(large, (size_px, size_px), interpolation=cv2.INTER_AREA) if finer > 1 else large
