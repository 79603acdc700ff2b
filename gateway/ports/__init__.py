"""What the processes need from the world, as promises; adapters and fakes keep them.

One door, so that a process names what it needs in one line, wherever the promise stands.
"""

from gateway.ports.journal import DueKind as DueKind
from gateway.ports.journal import Journal as Journal
from gateway.ports.journal import Leases as Leases
from gateway.ports.journal import Transaction as Transaction
from gateway.ports.keys import ContentKeys as ContentKeys
from gateway.ports.keys import KeyPair as KeyPair
from gateway.ports.keys import Keys as Keys
from gateway.ports.queues import OutboundMessage as OutboundMessage
from gateway.ports.queues import Outbox as Outbox
from gateway.ports.queues import QueueMessage as QueueMessage
from gateway.ports.records import Arrival as Arrival
from gateway.ports.records import Attempt as Attempt
from gateway.ports.records import DeadLetter as DeadLetter
from gateway.ports.records import JournalEvent as JournalEvent
from gateway.ports.records import Lease as Lease
from gateway.ports.records import Orphan as Orphan
from gateway.ports.records import Receipt as Receipt
from gateway.ports.records import Seen as Seen
from gateway.ports.records import Unreadable as Unreadable
from gateway.ports.telling import GiveUp as GiveUp
from gateway.ports.telling import Report as Report
from gateway.ports.world import Clock as Clock
from gateway.ports.world import NewId as NewId
from gateway.ports.world import OutgoingTransport as OutgoingTransport
