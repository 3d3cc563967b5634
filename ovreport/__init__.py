"""How fast is this OpenVINO model here, why, and is this version better?"""

__version__ = "0.1.0"
