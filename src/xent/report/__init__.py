"""Reports of an evaluation: text for the terminal, one offline page."""

from xent.report._subject import Subject as Subject
from xent.report._subject import examine as examine
from xent.report.terminal import render as render
