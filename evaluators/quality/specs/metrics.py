"""All quality metrics as data: what `fusionbench info metric NAME` prints."""

from .errors import ERRORS
from .features import FEATURES
from .information import INFORMATION
from .no_reference import NO_REFERENCE
from .perception import PERCEPTION
from .structure import STRUCTURE

METRICS = (*INFORMATION, *FEATURES, *STRUCTURE, *ERRORS, *PERCEPTION, *NO_REFERENCE)
