"""Reads LLRP reports with sllurp, for the bench `rfid`.

Standard input: a line with a number of rounds and the hexadecimal digits of one report. Standard output:
how many tags were read, and in how many seconds.
"""

import sys
import time

from sllurp.llrp import LLRPMessage


def main() -> None:
    for line in sys.stdin:
        count, digits = line.split()
        frame = bytes.fromhex(digits)
        tags = 0
        start = time.perf_counter()
        for _ in range(int(count)):
            message = LLRPMessage(msgbytes=frame)
            report = message.msgdict["RO_ACCESS_REPORT"]
            tags += len(report["TagReportData"])
        print(tags, time.perf_counter() - start, flush=True)


main()
