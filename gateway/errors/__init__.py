"""What can go wrong, said once: code, what follows from it, who must act, in two languages.

Every error of the gateway is a :class:`GatewayError`. ``code`` is stable:
dashboards count on it and ``docs/errors.md`` explains it. The class texts are
shown to EPJ users and operators; ``detail`` is for the operator's log. Neither
ever holds message content: positions and codes only.

One door for all of them: a class is imported from ``gateway.errors``, wherever it stands, and
whoever walks the tree below GatewayError finds it whole. The hundred of a code tells the module.
"""

from gateway.errors.addresses import NoRoute as NoRoute
from gateway.errors.addresses import NotOurSender as NotOurSender
from gateway.errors.base import Disposition as Disposition
from gateway.errors.base import Fault as Fault
from gateway.errors.base import GatewayError as GatewayError
from gateway.errors.base import Who as Who
from gateway.errors.document import BadConfirmation as BadConfirmation
from gateway.errors.document import BadReceipt as BadReceipt
from gateway.errors.document import DoctypeForbidden as DoctypeForbidden
from gateway.errors.document import InconsistentEnvelope as InconsistentEnvelope
from gateway.errors.document import MalformedMessage as MalformedMessage
from gateway.errors.document import MissingPart as MissingPart
from gateway.errors.document import NotAddressedToUs as NotAddressedToUs
from gateway.errors.document import NotEbxml as NotEbxml
from gateway.errors.document import NotWellFormed as NotWellFormed
from gateway.errors.document import TimeToLivePassed as TimeToLivePassed
from gateway.errors.document import TooLarge as TooLarge
from gateway.errors.document import UnsupportedContentType as UnsupportedContentType
from gateway.errors.document import UnsupportedFeature as UnsupportedFeature
from gateway.errors.document import UnsupportedFormat as UnsupportedFormat
from gateway.errors.document import UnusualEncoding as UnusualEncoding
from gateway.errors.internal import ConfigurationError as ConfigurationError
from gateway.errors.internal import ContentKeyMissing as ContentKeyMissing
from gateway.errors.internal import InternalFault as InternalFault
from gateway.errors.internal import JournalSchemaMismatch as JournalSchemaMismatch
from gateway.errors.internal import TopologyMismatch as TopologyMismatch
from gateway.errors.receipts import AnswerOverdue as AnswerOverdue
from gateway.errors.receipts import AttachmentsRemoved as AttachmentsRemoved
from gateway.errors.receipts import AttemptsUsedUp as AttemptsUsedUp
from gateway.errors.receipts import ConfirmationWithoutMessage as ConfirmationWithoutMessage
from gateway.errors.receipts import ContradictingReceipt as ContradictingReceipt
from gateway.errors.receipts import DeviationReported as DeviationReported
from gateway.errors.receipts import NotConfirmedByEpj as NotConfirmedByEpj
from gateway.errors.receipts import PartnerRefused as PartnerRefused
from gateway.errors.receipts import ReceiptWithoutMessage as ReceiptWithoutMessage
from gateway.errors.receipts import ReceiverRefused as ReceiverRefused
from gateway.errors.surroundings import BrokerUnavailable as BrokerUnavailable
from gateway.errors.surroundings import JournalUnavailable as JournalUnavailable
from gateway.errors.surroundings import LeaseLost as LeaseLost
from gateway.errors.surroundings import TransportRefused as TransportRefused
from gateway.errors.surroundings import TransportUnavailable as TransportUnavailable
from gateway.errors.trust import CannotSeal as CannotSeal
from gateway.errors.trust import CannotSign as CannotSign
from gateway.errors.trust import CannotUnseal as CannotUnseal
from gateway.errors.trust import UnknownPartner as UnknownPartner
from gateway.errors.trust import UntrustedSignature as UntrustedSignature
from gateway.errors.trust import UnusableCertificate as UnusableCertificate
