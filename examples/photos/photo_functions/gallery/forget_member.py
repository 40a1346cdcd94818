"""Removes the photos of a member whom the accounts team removed."""

from contradance import subscriber
from photo_contracts.gallery import PhotoRemoved
from photo_functions.gallery.tables import photos
from photo_functions.others.member_removed import MemberRemoved


@subscriber(uses=[photos.write])
def forget_member(removed: MemberRemoved) -> list[PhotoRemoved]:
    """Remove every photo of the member."""
    found = photos.query(removed.member_id)
    for photo in found:
        photos.delete(photo.member_id, photo.photo_key)
    return [PhotoRemoved(photo_key=photo.photo_key, member_id=photo.member_id) for photo in found]
