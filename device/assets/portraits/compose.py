"""Makes the three demo pictures: python compose.py ASTRONAUT.png GRACE_HOPPER.jpg OUT_DIR  (needs Pillow)."""
import shutil
import sys
from pathlib import Path
from PIL import Image, ImageOps

astronaut, hopper = (Image.open(p).convert("RGB") for p in sys.argv[1:3])
out = Path(sys.argv[3])


def save(picture, name, quality):
    picture.save(out / name, quality=quality, optimize=True)


def print_of(picture, height):
    """The picture at this height with a white border, like a photograph pinned to a wall."""
    width = round(picture.width * height / picture.height)
    return ImageOps.expand(picture.resize((width, height), Image.Resampling.LANCZOS), 8, "#f4f1ea")


save(astronaut, "astronaut.jpg", 90)
shutil.copyfile(sys.argv[2], out / "grace_hopper.jpg")
wall = Image.new("RGB", (920, 840), "#8d9a94")
face = astronaut.crop((120, 0, 360, 300))  # the head alone: the largest face on the wall
for picture, height, left, top in [
    (face, 520, 36, 36),
    (hopper, 440, 496, 76),
    (astronaut.crop((60, 0, 420, 360)), 220, 134, 588),
    (ImageOps.mirror(hopper), 230, 580, 564),
]:
    wall.paste(print_of(picture, height), (left, top))
save(wall, "group.jpg", 80)
