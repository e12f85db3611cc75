"""The room that opens users' files: reads predictions, and writes results that are whole or not there."""

from xent.io._atomic import atomic_write as atomic_write
from xent.io._atomic import check_target as check_target
from xent.io._join import Joined as Joined
from xent.io._join import join as join
from xent.io._layout import Guess as Guess
from xent.io._limits import DEFAULT_LIMITS as DEFAULT_LIMITS
from xent.io._limits import LARGEST_MISS as LARGEST_MISS
from xent.io._limits import Limits as Limits
from xent.io._parts import Part as Part
from xent.io._parts import scan_part as scan_part
from xent.io._predictions import Facts as Facts
from xent.io._predictions import Predictions as Predictions
from xent.io._read import parts as parts
from xent.io._read import read_columns as read_columns
from xent.io._read import read_predictions as read_predictions
from xent.io._read import scan_predictions as scan_predictions
from xent.io._read import shown_together as shown_together
from xent.io._scan import Scan as Scan
from xent.io._source import FORMATS as FORMATS
from xent.io._text import nearest as nearest
from xent.io._text import printable as printable
from xent.io._text import span as span
