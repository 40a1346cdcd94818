"""Notes that the print shop sent a print."""

from contradance import subscriber
from photo_contracts.prints import PrintSent
from photo_functions.others.print_shipped import PrintShipped


@subscriber(delivery="queue")
def note_shipment(shipped: PrintShipped) -> PrintSent:
    """Publish the shipment as an event of our own, in our envelope."""
    return PrintSent(print_id=shipped.parcel.reference, tracking=shipped.parcel.tracking_number)
