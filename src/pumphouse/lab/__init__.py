"""The lab: two real OpenStack clouds on one machine, to try, test and measure Pumphouse on.

Tool side (this package): homes, environments, configuration files, processes, commands.
Service side: ``process`` runs one released service, ``drivers`` is what Nova, Cinder and Neutron load;
both run inside the environment of a release and import nothing of the tool side.
"""
