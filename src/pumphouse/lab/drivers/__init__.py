"""What Nova, Cinder and Neutron of the lab load: servers, volumes and ports without a hypervisor."""
