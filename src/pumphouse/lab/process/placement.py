"""Placement: synchronises its tables by itself when told so."""

import os


def start(cloud, gate, mark):
    first = not cloud.has_database("placement")
    if first:
        cloud.begin_database("placement")
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = str(cloud.etc)
    os.environ["OS_PLACEMENT_DATABASE__SYNC_ON_STARTUP"] = str(first).lower()
    from placement import wsgi

    gate.application = wsgi.init_application()
    if first:
        cloud.end_database("placement")
