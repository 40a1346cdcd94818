"""Puts a photo that S3 stored into the album."""

from contradance import subscriber
from photo_contracts.gallery import PhotoIndexed
from photo_functions.gallery.tables import Photo, photos
from photo_functions.others.object_created import ObjectCreated


@subscriber(
    where={"object": {"key": [{"suffix": {"equals-ignore-case": ".jpg"}}, {"suffix": {"equals-ignore-case": ".png"}}]}},
    uses=[photos.write],
)
def index_photo(created: ObjectCreated) -> PhotoIndexed:
    """Index a photo. S3 may report one object twice: bucket, key and sequencer identify it."""
    key = created.object.key
    photo = Photo(member_id=key.partition("/")[0], photo_key=key, size=int(created.object.size or 0))
    photos.put(photo)
    return PhotoIndexed(photo_key=photo.photo_key, member_id=photo.member_id, size=photo.size)
