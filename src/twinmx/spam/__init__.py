"""The spam chain: ask engines about a message under deadlines, and always come back with a verdict.

Since August 2020 we know that a check which times out must not hold mail: here the answer "not
scanned, because" comes within one total deadline, whatever the engines do.
"""
