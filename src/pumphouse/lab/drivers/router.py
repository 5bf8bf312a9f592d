"""Neutron's router plugin, with several external gateways for a router where the release has the code for that.

The released plugins that show this extension (from 2024.1) need OVN; the tables and the API do not.
"""

from neutron.services.l3_router.l3_router_plugin import L3RouterPlugin

try:
    from neutron.db.l3_extra_gws_db import ExtraGatewaysDbOnlyMixin
except ImportError:
    LabRouterPlugin = L3RouterPlugin
else:

    class LabRouterPlugin(ExtraGatewaysDbOnlyMixin, L3RouterPlugin):
        _supported_extension_aliases = [
            *L3RouterPlugin._supported_extension_aliases,
            "external-gateway-multihoming",
        ]
