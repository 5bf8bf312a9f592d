"""The MachineNetwork port: a machine goes into the network of the deployment engine, and back."""
