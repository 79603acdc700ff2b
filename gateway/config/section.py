"""What the sections of the file are made of: strict, frozen, and with bounds."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from gateway.addresses import PORTS, checked_host


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else (folder / path.expanduser())


FilePath = Annotated[Path, AfterValidator(_beside_the_file)]
"""A path; a relative one counts from the folder of the configuration file."""

Host = Annotated[str, AfterValidator(checked_host)]
Port = Annotated[int, Field(ge=PORTS[0], le=PORTS[-1])]
Seconds = Annotated[float, Field(gt=0, le=4 * 366 * 86_400)]  # added to any time, still a date


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
