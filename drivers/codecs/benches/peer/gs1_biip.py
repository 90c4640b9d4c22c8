"""What `biip` (PyPI, Apache-2.0) does with the same element strings, for the GS1 bench.

Reads lines "PARSES TEXT" (the separator written as ^), answers each with the seconds that it took.
"""

import sys
import time

from biip.gs1_messages import GS1Message

for line in sys.stdin:
    parses, text = line.rstrip("\n").split(" ", 1)
    text = text.replace("^", "\x1d")
    assert len(GS1Message.parse(text).element_strings) == 4
    begin = time.perf_counter()
    for _ in range(int(parses)):
        GS1Message.parse(text)
    print(time.perf_counter() - begin, flush=True)
