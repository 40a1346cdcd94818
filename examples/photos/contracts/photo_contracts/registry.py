"""The registry of the album's contracts."""

from contradance import Registry
from photo_contracts.gallery import DigestMade, PhotoIndexed, PhotoRemoved
from photo_contracts.prints import PrintOrdered, PrintSent

registry = Registry("photos", [PhotoIndexed, PhotoRemoved, DigestMade, PrintOrdered, PrintSent])
