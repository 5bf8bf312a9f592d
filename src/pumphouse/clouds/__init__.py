"""Adapters of the Cloud port; the only place that knows openstacksdk and keystoneauth."""
