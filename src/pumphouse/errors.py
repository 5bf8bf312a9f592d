"""Every error Pumphouse raises on purpose; each class fixes the exit code of the command line.

::

    PumphouseError            1   anything a person must read
    ├── UsageError            2   the command line or a selection cannot be understood
    ├── ConfigError           2   config.yaml, clouds.yaml or a plan file is wrong
    ├── Refused               3   the request is understood and must not be carried out
    ├── CloudError            4   a cloud answered with an error
    │   ├── Unreachable       4   nothing answers, or not in time
    │   ├── NotAuthenticated  4   the credentials are not accepted
    │   ├── Forbidden         4   accepted, and not allowed
    │   ├── Missing           4   the resource is not there (404)
    │   ├── Conflict          4   the resource is in the way or in use (409)
    │   ├── NotMoved          4   a server did not leave its host
    │   └── Overlimit         4   a quota or a size limit is in the way (403/413)
    ├── BmcError              4   the BMC of a host answered with an error
    │   ├── BmcUnreachable    4   nothing answers, or not in time
    │   └── BmcLoginError     4   the credentials are not accepted
    ├── ProvisionError        4   the deployment engine answered with an error
    │   ├── EngineUnreachable 4   nothing answers, or not in time
    │   ├── EngineLoginError  4   the credentials are not accepted
    │   ├── EngineBusy        4   it works for somebody else
    │   ├── WipeFailed        4   the machine could not be taken out of its cloud
    │   ├── NotDiscovered     4   the machine did not turn up in time
    │   ├── ProvisioningFailed 4  its operating system could not be written
    │   └── DeploymentFailed  4   OpenStack could not be put on it
    ├── NotJoined             4   an installed machine did not become a compute host of its cloud
    ├── SmokeTestFailed       4   a server could not be booted on a new compute host
    ├── MachineNetworkError   4   the network of a machine could not be changed
    ├── BoardError            4   the board that conductors find their work on does not answer
    ├── Mismatch              1   source and destination differ after the move
    ├── LabError              6   the lab cannot do what was asked
    └── Interrupted         130   stopped on request; the same command goes on
"""


class PumphouseError(Exception):
    """One line for the person reading it, and what to do next.

    :param message: what failed, on which resource, why.
    :param remedy: what the reader can do; printed on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message


class UsageError(PumphouseError):
    """The command line or a selection cannot be understood."""

    exit_code = 2


class ConfigError(PumphouseError):
    """A file the operator wrote is wrong: says file, path inside it and what would be right."""

    exit_code = 2


class Refused(PumphouseError):
    """The request is understood and must not be carried out; nothing was touched."""

    exit_code = 3


class CloudError(PumphouseError):
    """A cloud answered with an error.

    :param status: HTTP status of the answer, 0 when there was none.
    """

    exit_code = 4

    def __init__(self, message: str, remedy: str = "", status: int = 0) -> None:
        super().__init__(message, remedy)
        self.status = status


class Unreachable(CloudError):
    """Nothing answers at the address, or not in time."""


class NotAuthenticated(CloudError):
    """The credentials are not accepted (401)."""


class Forbidden(CloudError):
    """The credentials are accepted and do not allow this (403)."""


class Missing(CloudError):
    """The resource is not there (404)."""


class Conflict(CloudError):
    """The resource is in the way, or busy (409)."""


class NotMoved(CloudError):
    """A server did not leave its host: it is where it was."""


class Overlimit(CloudError):
    """A quota or a size limit is in the way (403 or 413)."""


class BmcError(PumphouseError):
    """The BMC of a host answered with an error."""

    exit_code = 4


class BmcUnreachable(BmcError):
    """Nothing answers at the BMC's address, or not in time."""


class BmcLoginError(BmcError):
    """The BMC does not accept the credentials."""


class ProvisionError(PumphouseError):
    """The deployment engine of a cloud answered with an error."""

    exit_code = 4


class EngineUnreachable(ProvisionError):
    """Nothing answers at the engine's address, or not in time."""


class EngineLoginError(ProvisionError):
    """The engine does not accept the credentials."""


class EngineBusy(ProvisionError):
    """The engine, or the environment in it, is locked by work of somebody else."""


class WipeFailed(ProvisionError):
    """The machine could not be taken out of its cloud, or not be wiped."""


class NotDiscovered(ProvisionError):
    """The machine did not turn up in the engine in time."""


class ProvisioningFailed(ProvisionError):
    """The operating system could not be written to the machine."""


class DeploymentFailed(ProvisionError):
    """The operating system is there, and OpenStack could not be put on it."""


class NotJoined(PumphouseError):
    """An installed machine did not become a compute host of its cloud, or not in time."""

    exit_code = 4


class SmokeTestFailed(PumphouseError):
    """A server could not be booted on a new compute host."""

    exit_code = 4


class MachineNetworkError(PumphouseError):
    """The network of a machine could not be changed."""

    exit_code = 4


class BoardError(PumphouseError):
    """The board that conductors find their work on does not answer as it should."""

    exit_code = 4


class Mismatch(PumphouseError):
    """Source and destination differ after the move."""

    exit_code = 1


class LabError(PumphouseError):
    """The lab cannot do what was asked: says which service, port or file, and what to do."""

    exit_code = 6


class Interrupted(PumphouseError):
    """Stopped on request; the same command goes on where it was."""

    exit_code = 130
