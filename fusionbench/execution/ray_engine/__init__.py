"""The engine of a cluster: Ray.

Read ``engine`` first (what the runner calls), then ``dispatch`` (the driver's loop) and ``stages`` (what runs on
workers). ``connection`` and ``checks`` say what is wrong before the work starts, ``places`` brings files to
workers, ``pieces`` cuts the work, ``sets`` scores whole sets, ``logs`` keeps what workers print.
"""
