"""The choreography of the photo album."""

from contradance import Choreography
from photo_contracts.gallery import PhotoRemoved
from photo_contracts.registry import registry
from photo_functions.gallery.forget_member import forget_member
from photo_functions.gallery.index_photo import index_photo
from photo_functions.gallery.make_digest import make_digest
from photo_functions.mail.notify_member import notify_member
from photo_functions.prints.note_shipment import note_shipment
from photo_functions.prints.order_print import order_print

photos = Choreography(
    "photos",
    contracts=registry,
    functions=[index_photo, forget_member, make_digest, order_print, note_shipment, notify_member],
    ends=[PhotoRemoved],
)
